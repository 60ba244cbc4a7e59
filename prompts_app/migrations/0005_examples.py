from django.contrib.auth.management import create_permissions
from django.db import migrations, models

import prompts_app.fields


def let_them_try(apps, schema_editor):
    # Permissions are made after all migrations; here they are needed a moment earlier.
    config = apps.get_app_config("prompts_app")
    config.models_module = True
    create_permissions(config, apps=apps, verbosity=0)
    config.models_module = None
    permission = apps.get_model("auth", "Permission").objects.get(
        content_type__app_label="prompts_app", codename="try_prompt"
    )
    for group in apps.get_model("auth", "Group").objects.filter(name__in=("Editors", "Publishers")):
        group.permissions.add(permission)


class Migration(migrations.Migration):
    dependencies = [("prompts_app", "0004_partials")]

    operations = [
        migrations.AlterModelOptions(
            "prompt",
            {
                "ordering": ["name"],
                "permissions": [
                    ("publish_prompt", "Can publish versions, make them live, split traffic and roll back"),
                    ("try_prompt", "Can try versions, drafts included, which costs money"),
                ],
            },
        ),
        migrations.CreateModel(
            "Example",
            [
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(max_length=100)),
                ("variables", prompts_app.fields.OrderedJSONField(blank=True, default=dict)),
                ("author", models.CharField(max_length=150)),
                ("updated_at", models.DateTimeField(auto_now=True)),
                ("prompt", models.ForeignKey("prompts_app.prompt", models.CASCADE, related_name="examples")),
            ],
            options={
                "ordering": ["name"],
                "default_permissions": (),
                "constraints": [
                    models.UniqueConstraint(fields=("prompt", "name"), name="example_name_once"),
                ],
            },
        ),
        migrations.RunPython(let_them_try, migrations.RunPython.noop),
    ]
