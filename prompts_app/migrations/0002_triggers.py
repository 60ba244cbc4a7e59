"""What no writer may get around, whichever door it comes through."""

from django.db import migrations

FROZEN_VERSIONS = """
CREATE FUNCTION prompts_keep_published() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' THEN
        IF OLD.status <> 'draft' THEN
            RAISE EXCEPTION 'version % is published: it cannot be deleted', OLD.label
                USING ERRCODE = 'restrict_violation';
        END IF;
        RETURN OLD;
    END IF;
    IF OLD.status <> 'draft' AND (
        NEW.status = 'draft'
        OR (NEW.prompt_id, NEW.label, NEW.system, NEW."user", NEW.messages::text, NEW.model, NEW.parameters::text,
            NEW.variables::text, NEW.response_schema::text, NEW.notes, NEW.digest, NEW.author,
            NEW.published_at, NEW.published_by)
        IS DISTINCT FROM
           (OLD.prompt_id, OLD.label, OLD.system, OLD."user", OLD.messages::text, OLD.model, OLD.parameters::text,
            OLD.variables::text, OLD.response_schema::text, OLD.notes, OLD.digest, OLD.author,
            OLD.published_at, OLD.published_by)
    ) THEN
        RAISE EXCEPTION 'version % is published: it cannot change', OLD.label
            USING ERRCODE = 'restrict_violation';
    END IF;
    IF NEW.status = 'archived' AND EXISTS (
        SELECT FROM prompts_app_prompt
        WHERE id = NEW.prompt_id AND (active_version_id = NEW.id OR traffic_split ? NEW.label)
    ) THEN
        RAISE EXCEPTION 'version % is live: it cannot be archived', OLD.label
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;

CREATE TRIGGER keep_published BEFORE UPDATE OR DELETE ON prompts_app_promptversion
    FOR EACH ROW EXECUTE FUNCTION prompts_keep_published();
"""

# FOR SHARE waits for whoever is archiving that version at this moment.
TRUE_SPLITS = """
CREATE FUNCTION prompts_check_split() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    arm record;
    total integer := 0;
BEGIN
    IF jsonb_typeof(NEW.traffic_split) <> 'object' THEN
        RAISE EXCEPTION 'a traffic split is an object of whole percents' USING ERRCODE = 'check_violation';
    END IF;
    FOR arm IN SELECT key AS label, value FROM jsonb_each(NEW.traffic_split) LOOP
        IF jsonb_typeof(arm.value) <> 'number' OR arm.value::text !~ '^(100|[1-9]?[0-9])$' THEN
            RAISE EXCEPTION 'the traffic split gives % to %: whole percents from 0 to 100', arm.value, arm.label
                USING ERRCODE = 'check_violation';
        END IF;
        PERFORM FROM prompts_app_promptversion
            WHERE prompt_id = NEW.id AND label = arm.label AND status = 'published' FOR SHARE;
        IF NOT FOUND THEN
            RAISE EXCEPTION 'the traffic split names %, which is no published version', arm.label
                USING ERRCODE = 'check_violation';
        END IF;
        total := total + arm.value::text::integer;
    END LOOP;
    IF NEW.traffic_split <> '{}' AND total <> 100 THEN
        RAISE EXCEPTION 'the traffic split sums up to %, not to 100', total USING ERRCODE = 'check_violation';
    END IF;
    IF NEW.active_version_id IS NOT NULL THEN
        PERFORM FROM prompts_app_promptversion
            WHERE prompt_id = NEW.id AND id = NEW.active_version_id AND status = 'published' FOR SHARE;
        IF NOT FOUND THEN
            RAISE EXCEPTION 'the active version is no published version of this prompt'
                USING ERRCODE = 'check_violation';
        END IF;
    END IF;
    RETURN NEW;
END $$;

CREATE TRIGGER check_split BEFORE INSERT OR UPDATE OF traffic_split, active_version_id ON prompts_app_prompt
    FOR EACH ROW EXECUTE FUNCTION prompts_check_split();
"""

APPEND_ONLY_HISTORY = """
CREATE FUNCTION prompts_keep_history() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the history of changes is append-only' USING ERRCODE = 'restrict_violation';
END $$;

CREATE TRIGGER keep_history BEFORE UPDATE OR DELETE ON prompts_app_promptchange
    FOR EACH ROW EXECUTE FUNCTION prompts_keep_history();
"""

# A sequence outlives even a truncation of the row: a worker cannot take an old state for the new one.
REVISION = """
CREATE SEQUENCE prompts_revisions;

CREATE FUNCTION prompts_new_revision() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO prompts_app_registryrevision (id, value) VALUES (1, nextval('prompts_revisions'))
        ON CONFLICT (id) DO UPDATE SET value = excluded.value;
    RETURN NULL;
END $$;

CREATE TRIGGER new_revision AFTER INSERT OR UPDATE OR DELETE ON prompts_app_prompt
    FOR EACH STATEMENT EXECUTE FUNCTION prompts_new_revision();
CREATE TRIGGER new_revision AFTER INSERT OR UPDATE OR DELETE ON prompts_app_promptversion
    FOR EACH STATEMENT EXECUTE FUNCTION prompts_new_revision();
"""


def undo(function: str, *triggers: tuple[str, str]) -> str:
    drops = [f"DROP TRIGGER {trigger} ON prompts_app_{table};" for trigger, table in triggers]
    return "\n".join([*drops, f"DROP FUNCTION {function}();"])


class Migration(migrations.Migration):
    dependencies = [("prompts_app", "0001_prompts")]

    operations = [
        migrations.RunSQL(FROZEN_VERSIONS, undo("prompts_keep_published", ("keep_published", "promptversion"))),
        migrations.RunSQL(TRUE_SPLITS, undo("prompts_check_split", ("check_split", "prompt"))),
        migrations.RunSQL(APPEND_ONLY_HISTORY, undo("prompts_keep_history", ("keep_history", "promptchange"))),
        migrations.RunSQL(
            REVISION,
            undo("prompts_new_revision", ("new_revision", "prompt"), ("new_revision", "promptversion"))
            + "DROP SEQUENCE prompts_revisions;",
        ),
    ]
