"""The groups of the registry may do in evaluations what they may do with prompts."""

from django.contrib.auth.management import create_permissions
from django.db import migrations

VIEW = ["view_dataset", "view_case", "view_evalrun", "view_experiment"]
EDIT = ["add_dataset", "change_dataset", "add_evalrun", "change_evalrun", "add_experiment", "change_experiment"]
PUBLISH = ["add_evalrun", "run_experiment"]
GROUPS = {"Viewers": VIEW, "Editors": VIEW + EDIT, "Publishers": VIEW + PUBLISH}


def grant(apps, schema_editor):
    # Permissions are made after all migrations; here they are needed a moment earlier.
    config = apps.get_app_config("evals_app")
    config.models_module = True
    create_permissions(config, apps=apps, verbosity=0)
    config.models_module = None
    permissions = apps.get_model("auth", "Permission").objects.filter(content_type__app_label="evals_app")
    for group in apps.get_model("auth", "Group").objects.filter(name__in=GROUPS):
        group.permissions.add(*permissions.filter(codename__in=GROUPS[group.name]))


class Migration(migrations.Migration):
    dependencies = [("evals_app", "0005_judged_by"), ("prompts_app", "0003_groups")]

    operations = [migrations.RunPython(grant, migrations.RunPython.noop)]
