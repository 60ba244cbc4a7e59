"""Three groups to begin with; an administrator may change or delete them."""

from django.contrib.auth.management import create_permissions
from django.db import migrations

VIEW = ["view_prompt", "view_promptversion", "view_promptchange"]
EDIT = ["add_prompt", "change_prompt", "add_promptversion", "change_promptversion", "delete_promptversion"]
PUBLISH = ["publish_prompt"]
GROUPS = {"Viewers": VIEW, "Editors": VIEW + EDIT, "Publishers": VIEW + PUBLISH}


def seed(apps, schema_editor):
    # Permissions are made after all migrations; here they are needed a moment earlier.
    config = apps.get_app_config("prompts_app")
    config.models_module = True
    create_permissions(config, apps=apps, verbosity=0)
    config.models_module = None
    permissions = apps.get_model("auth", "Permission").objects.filter(content_type__app_label="prompts_app")
    for name, codenames in GROUPS.items():
        group, created = apps.get_model("auth", "Group").objects.get_or_create(name=name)
        if created:
            group.permissions.set(permissions.filter(codename__in=codenames))


class Migration(migrations.Migration):
    dependencies = [
        ("prompts_app", "0002_triggers"),
        ("auth", "0012_alter_user_first_name_max_length"),
        ("contenttypes", "0002_remove_content_type_name"),
    ]

    operations = [migrations.RunPython(seed, migrations.RunPython.noop)]
