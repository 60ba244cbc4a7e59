import django.utils.timezone
from django.core.validators import URLValidator
from django.db import migrations, models
from django.db.models import Q

import prompts_app.models


class Migration(migrations.Migration):
    dependencies = [("prompts_app", "0006_schedule")]

    operations = [
        migrations.CreateModel(
            "Webhook",
            [
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "url",
                    models.CharField(
                        help_text="Each change of any prompt is posted there.",
                        max_length=500,
                        validators=[URLValidator(schemes=["http", "https"])],
                        verbose_name="URL",
                    ),
                ),
                ("description", models.CharField(blank=True, max_length=200)),
                (
                    "secret",
                    models.CharField(default=prompts_app.models.new_secret, editable=False, max_length=64),
                ),
                ("active", models.BooleanField(default=True)),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now, editable=False)),
            ],
            options={"ordering": ["url"]},
        ),
        migrations.CreateModel(
            "WebhookDelivery",
            [
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "state",
                    models.CharField(
                        choices=[("waiting", "Waiting"), ("delivered", "Delivered"), ("given up", "Given Up")],
                        default="waiting",
                        max_length=9,
                    ),
                ),
                ("attempts", models.PositiveSmallIntegerField(default=0)),
                ("next_at", models.DateTimeField(default=django.utils.timezone.now)),
                ("status", models.PositiveSmallIntegerField(null=True)),
                ("error", models.TextField(blank=True)),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now)),
                ("ended_at", models.DateTimeField(null=True)),
                ("change", models.ForeignKey("prompts_app.promptchange", models.CASCADE, related_name="deliveries")),
                ("webhook", models.ForeignKey("prompts_app.webhook", models.CASCADE, related_name="deliveries")),
            ],
            options={
                "ordering": ["-id"],
                "verbose_name_plural": "webhook deliveries",
                "default_permissions": ("view",),
                "indexes": [
                    models.Index(fields=["next_at"], name="delivery_waiting", condition=Q(state="waiting")),
                    models.Index(fields=["ended_at"], name="delivery_ended"),
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=Q(state="waiting", ended_at=None)
                        | Q(state__in=["delivered", "given up"], ended_at__isnull=False),
                        name="delivery_state",
                    ),
                ],
            },
        ),
    ]
