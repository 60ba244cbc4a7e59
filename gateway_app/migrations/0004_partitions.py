"""`Call` partitioned by month, what there is of it moved over; and prices that workers hear of."""

from django.db import migrations, models

PARTITION = """
ALTER TABLE gateway_app_call RENAME TO gateway_app_call_whole;

CREATE TABLE gateway_app_call (LIKE gateway_app_call_whole INCLUDING DEFAULTS INCLUDING CONSTRAINTS)
    PARTITION BY RANGE (created_at);
ALTER TABLE gateway_app_call ADD CONSTRAINT gateway_app_call_key PRIMARY KEY (id, created_at);
CREATE TABLE gateway_app_call_default PARTITION OF gateway_app_call DEFAULT;

DO $$
DECLARE
    month timestamp := (
        SELECT date_trunc('month', coalesce(min(created_at), now()) AT TIME ZONE 'UTC') FROM gateway_app_call_whole
    );
BEGIN
    WHILE month < (now() AT TIME ZONE 'UTC') + interval '2 months' LOOP
        EXECUTE format(
            'CREATE TABLE gateway_app_call_%s PARTITION OF gateway_app_call FOR VALUES FROM (%L) TO (%L)',
            to_char(month, '"y"YYYY"m"MM'),
            month AT TIME ZONE 'UTC',
            (month + interval '1 month') AT TIME ZONE 'UTC'
        );
        month := month + interval '1 month';
    END LOOP;
END $$;

INSERT INTO gateway_app_call SELECT * FROM gateway_app_call_whole;
DROP TABLE gateway_app_call_whole;
"""

MEND = """
CREATE TABLE gateway_app_call_whole (LIKE gateway_app_call INCLUDING DEFAULTS INCLUDING CONSTRAINTS);
ALTER TABLE gateway_app_call_whole ADD PRIMARY KEY (id);
INSERT INTO gateway_app_call_whole SELECT * FROM gateway_app_call;
DROP TABLE gateway_app_call;
ALTER TABLE gateway_app_call_whole RENAME TO gateway_app_call;
"""

COUNT_PRICES = """
CREATE TRIGGER count_access AFTER INSERT OR UPDATE OR DELETE ON gateway_app_modelprice
    FOR EACH STATEMENT EXECUTE FUNCTION gateway_count_access();
"""


class Migration(migrations.Migration):
    dependencies = [("gateway_app", "0003_ledger")]
    operations = [
        migrations.RunSQL(PARTITION, MEND),
        migrations.AddIndex("call", models.Index(fields=["created_at"], name="call_at")),
        migrations.AddIndex("call", models.Index(fields=["request_id"], name="call_request")),
        migrations.AddIndex(
            "call",
            models.Index(fields=["prompt_name", "prompt_version", "created_at"], name="call_prompt_at"),
        ),
        migrations.AddIndex(
            "call",
            models.Index(
                fields=["outcome", "created_at"],
                name="call_trouble_at",
                condition=models.Q(("outcome", "ok"), _negated=True),
            ),
        ),
        migrations.RunSQL(COUNT_PRICES, "DROP TRIGGER count_access ON gateway_app_modelprice"),
    ]
