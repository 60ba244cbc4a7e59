from django.db import migrations

import prompts_app.fields

FROZEN_PARTIALS = """
CREATE FUNCTION prompts_keep_partials() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'version % is published: it cannot change', OLD.label USING ERRCODE = 'restrict_violation';
END $$;

CREATE TRIGGER keep_partials BEFORE UPDATE ON prompts_app_promptversion FOR EACH ROW
    WHEN (OLD.status <> 'draft' AND OLD.partials::text IS DISTINCT FROM NEW.partials::text)
    EXECUTE FUNCTION prompts_keep_partials();
"""
UNDO = """
DROP TRIGGER keep_partials ON prompts_app_promptversion;
DROP FUNCTION prompts_keep_partials();
"""


class Migration(migrations.Migration):
    dependencies = [("prompts_app", "0003_groups")]

    operations = [
        migrations.AddField(
            "promptversion",
            "partials",
            prompts_app.fields.OrderedJSONField(blank=True, default=dict, editable=False),
        ),
        migrations.RunSQL(FROZEN_PARTIALS, UNDO),
    ]
