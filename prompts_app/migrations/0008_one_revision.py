from django.db import migrations

# Each new value of the row is one more that the next statement of the same transaction must step over. Who
# brings in ten thousand prompts at once asks for one revision of them all.
ONE = """
CREATE FUNCTION prompts_one_revision() RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO prompts_app_registryrevision (id, value) VALUES (1, nextval('prompts_revisions'))
        ON CONFLICT (id) DO UPDATE SET value = excluded.value;
    PERFORM set_config('llmgateway.one_revision', pg_current_xact_id()::text, true);
END $$;

CREATE OR REPLACE FUNCTION prompts_new_revision() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF current_setting('llmgateway.one_revision', true) IS DISTINCT FROM pg_current_xact_id()::text THEN
        INSERT INTO prompts_app_registryrevision (id, value) VALUES (1, nextval('prompts_revisions'))
            ON CONFLICT (id) DO UPDATE SET value = excluded.value;
    END IF;
    RETURN NULL;
END $$;
"""

EACH = """
CREATE OR REPLACE FUNCTION prompts_new_revision() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO prompts_app_registryrevision (id, value) VALUES (1, nextval('prompts_revisions'))
        ON CONFLICT (id) DO UPDATE SET value = excluded.value;
    RETURN NULL;
END $$;
DROP FUNCTION prompts_one_revision();
"""


class Migration(migrations.Migration):
    dependencies = [("prompts_app", "0007_webhooks")]

    operations = [migrations.RunSQL(ONE, EACH)]
