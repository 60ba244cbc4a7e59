"""A trigger that counts every change of a project or a key, so that workers poll one cheap row."""

from django.db import migrations

COUNT = """
INSERT INTO gateway_app_accessrevision (id, number) VALUES (1, 1);

CREATE FUNCTION gateway_count_access() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE gateway_app_accessrevision SET number = number + 1;
    RETURN NULL;
END $$;

CREATE TRIGGER count_access AFTER INSERT OR UPDATE OR DELETE ON gateway_app_project
    FOR EACH STATEMENT EXECUTE FUNCTION gateway_count_access();
CREATE TRIGGER count_access AFTER INSERT OR UPDATE OR DELETE ON gateway_app_apikey
    FOR EACH STATEMENT EXECUTE FUNCTION gateway_count_access();
"""

UNDO = """
DROP TRIGGER count_access ON gateway_app_apikey;
DROP TRIGGER count_access ON gateway_app_project;
DROP FUNCTION gateway_count_access();
"""


class Migration(migrations.Migration):
    dependencies = [("gateway_app", "0001_initial")]
    operations = [migrations.RunSQL(COUNT, UNDO)]
