from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("prompts_app", "0008_one_revision")]
    operations = [
        migrations.AddField(
            "scheduledchange", "digest", models.CharField(blank=True, db_default="", max_length=64)
        )
    ]
