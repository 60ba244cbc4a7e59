"""A SQL statement in plain words."""

import re

_CLAUSES = re.compile(
    r"\b(WITH|SELECT|FROM|(?:LEFT |RIGHT |INNER |FULL |CROSS )?(?:OUTER )?JOIN|WHERE|GROUP BY|HAVING|ORDER BY"
    r"|LIMIT|INSERT INTO|VALUES|UPDATE|SET|DELETE FROM|CREATE TABLE|DROP TABLE)\b",
    re.IGNORECASE,
)
_MEANING = {
    "WITH": "prepares a named subquery, `{}`",
    "SELECT": "returns `{}`",
    "FROM": "reads from `{}`",
    "WHERE": "keeps only the rows where `{}`",
    "GROUP BY": "makes one group for each `{}`",
    "HAVING": "keeps only the groups where `{}`",
    "ORDER BY": "sorts the result by `{}`",
    "LIMIT": "stops after `{}` rows",
    "INSERT INTO": "adds rows to `{}`",
    "VALUES": "with the values `{}`",
    "UPDATE": "changes rows of `{}`",
    "SET": "sets `{}`",
    "DELETE FROM": "removes rows from `{}`",
    "CREATE TABLE": "creates the table `{}`",
    "DROP TABLE": "removes the table `{}` with all of its data",
}


def explained(statement: str) -> str | None:
    """One line for each clause, in the statement's order; None where there is no SQL in it."""
    pieces = _CLAUSES.split(statement)
    lines = []
    for clause, rest in zip(pieces[1::2], pieces[2::2], strict=True):
        if said := " ".join(rest.replace("`", "").split()).strip(" ;"):
            lines.append(f"- It {_meaning(clause.upper()).format(said)}.")
    return "This statement does the following:\n" + "\n".join(lines) if lines else None


def _meaning(clause: str) -> str:
    return _MEANING.get(clause, f"combines that with `{{}}` ({clause.lower()})")
