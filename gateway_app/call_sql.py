"""How Postgres makes rows of calls."""

from django.db import connection

from gateway_app.models import Call


def _insertion() -> str:
    """Takes the calls as one JSON array of objects, column -> value; what is there already stays.

    A text that is too long for its column is cut; any other value that does not fit is an error.
    """
    types = {str(field.column): str(field.db_type(connection)) for field in Call._meta.concrete_fields}
    bounded = {name: kind for name, kind in types.items() if kind.startswith("varchar")}
    given = ", ".join(f"{name} {'text' if name in bounded else kind}" for name, kind in types.items())
    fitted = ", ".join(f"{name}::{bounded[name]}" if name in bounded else name for name in types)
    return f"""
        INSERT INTO gateway_app_call ({", ".join(types)})
        SELECT {fitted} FROM json_to_recordset(%s) AS given({given})
        ON CONFLICT DO NOTHING
    """  # noqa: S608 - names of ours


INSERTION = _insertion()
