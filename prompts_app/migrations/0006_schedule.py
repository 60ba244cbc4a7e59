import django.utils.timezone
from django.db import migrations, models
from django.db.models import Q


class Migration(migrations.Migration):
    dependencies = [("prompts_app", "0005_examples")]

    operations = [
        migrations.RemoveConstraint("promptchange", "change_door"),
        migrations.AlterField(
            "promptchange",
            "door",
            models.CharField(
                choices=[("admin", "Admin"), ("rest", "Rest"), ("command", "Command"), ("schedule", "Schedule")],
                max_length=8,
            ),
        ),
        migrations.AddConstraint(
            "promptchange",
            models.CheckConstraint(
                condition=Q(door__in=["admin", "rest", "command", "schedule"]), name="change_door"
            ),
        ),
        migrations.CreateModel(
            "ScheduledChange",
            [
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "action",
                    models.CharField(
                        choices=[("publish", "Publish"), ("make_live", "Make live"), ("split", "Split traffic")],
                        max_length=9,
                    ),
                ),
                ("version", models.CharField(blank=True, max_length=32)),
                ("split", models.JSONField(blank=True, default=dict)),
                ("at", models.DateTimeField()),
                ("author", models.CharField(max_length=150)),
                ("why", models.TextField(blank=True)),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("waiting", "Waiting"),
                            ("done", "Done"),
                            ("refused", "Refused"),
                            ("cancelled", "Cancelled"),
                        ],
                        default="waiting",
                        max_length=9,
                    ),
                ),
                ("outcome", models.TextField(blank=True)),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now)),
                ("ended_at", models.DateTimeField(null=True)),
                ("prompt", models.ForeignKey("prompts_app.prompt", models.PROTECT, related_name="scheduled")),
            ],
            options={
                "ordering": ["at", "id"],
                "default_permissions": (),
                "indexes": [
                    models.Index(fields=["at"], name="scheduled_waiting", condition=Q(state="waiting")),
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=Q(action__in=["publish", "make_live", "split"]), name="scheduled_action"
                    ),
                    models.CheckConstraint(
                        condition=Q(state="waiting", ended_at=None)
                        | Q(state__in=["done", "refused", "cancelled"], ended_at__isnull=False),
                        name="scheduled_state",
                    ),
                ],
            },
        ),
    ]
