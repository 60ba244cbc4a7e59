"""Rollups by month; and histograms as numbers, which Postgres adds up by itself, beside the arrays of before.

The arrays stay for the release before, and have a default for this one: they go in a later release.
"""

from decimal import Decimal

from django.db import migrations, models

import gateway_app.models.rollups

ALIKE = "project_id, key_id, key_name, surface, prompt_name, prompt_version, model"
SUMS = (
    "calls, errors, cancelled, hits, input_tokens, cached_tokens, output_tokens, thinking_tokens, "
    "input_audio_tokens, output_audio_tokens, input_image_tokens, output_image_tokens, "
    "cost_usd, unpriced, saved_usd, latency_ms, latency, first_token"
)
ARRAYS = [f"{name}_{part}" for name in ("latency", "first_token") for part in ("buckets", "counts")]
KEEP = [f"ALTER TABLE gateway_app_rollup ALTER {array} SET DEFAULT '{{}}'" for array in ARRAYS]
GIVE_BACK = [f"ALTER TABLE gateway_app_rollup ALTER {array} DROP DEFAULT" for array in ARRAYS]
NUMBERED = """
UPDATE gateway_app_rollup
SET latency = (
        SELECT coalesce(sum((n || 'e' || 12 * (bucket + 49))::numeric), 0)
        FROM unnest(latency_buckets, latency_counts) AS pair(bucket, n)
    ), first_token = (
        SELECT coalesce(sum((n || 'e' || 12 * (bucket + 49))::numeric), 0)
        FROM unnest(first_token_buckets, first_token_counts) AS pair(bucket, n)
    )
WHERE id >= %s AND id < %s AND latency = 0
"""
BATCH = 20_000
MONTHS = f"""
INSERT INTO gateway_app_rollup (period, start, {ALIKE}, {SUMS})
SELECT 'month', date_trunc('month', start, 'UTC'), {ALIKE}, {", ".join(f"sum({name})" for name in SUMS.split(", "))}
FROM gateway_app_rollup WHERE period = 'day' GROUP BY date_trunc('month', start, 'UTC'), {ALIKE}
"""


def histogram(name):
    """Nothing is taken back where this is interrupted: what is there already is not in the way."""
    field = gateway_app.models.rollups.HistogramField(db_default=Decimal(0))
    add = f"ALTER TABLE gateway_app_rollup ADD COLUMN IF NOT EXISTS {name} numeric DEFAULT 0 NOT NULL"
    return migrations.SeparateDatabaseAndState(
        database_operations=[
            migrations.RunSQL(add, f"ALTER TABLE gateway_app_rollup DROP COLUMN {name}")
        ],
        state_operations=[migrations.AddField("rollup", name, field)],
    )


def number(apps, schema_editor):
    """In batches of their own, and again from the start where it was interrupted."""
    with schema_editor.connection.cursor() as cursor:
        cursor.execute("SELECT coalesce(min(id), 0), coalesce(max(id), 0) FROM gateway_app_rollup")
        first, last = cursor.fetchone()
        for start in range(first, last + 1, BATCH):
            cursor.execute(NUMBERED, [start, start + BATCH])


class Migration(migrations.Migration):
    dependencies = [("gateway_app", "0010_call_indexes")]
    atomic = False
    operations = [
        migrations.AlterField(
            "rollup",
            "period",
            models.CharField(choices=[("hour", "Hour"), ("day", "Day"), ("month", "Month")], max_length=5),
        ),
        *(histogram(name) for name in ("latency", "first_token")),
        migrations.SeparateDatabaseAndState(
            database_operations=[migrations.RunSQL(KEEP, GIVE_BACK)],
            state_operations=[migrations.RemoveField("rollup", array) for array in ARRAYS],
        ),
        migrations.RunPython(number, migrations.RunPython.noop),
        migrations.RunSQL("DELETE FROM gateway_app_rollup WHERE period = 'month'"),
        migrations.RunSQL(MONTHS, "DELETE FROM gateway_app_rollup WHERE period = 'month'"),
    ]
