"""Migrations after the first release keep the rules of `ops/migrations.md`, as far as a program can tell."""

from collections.abc import Sequence
from typing import Any

import pytest
from django.contrib.postgres.operations import AddIndexConcurrently, RemoveIndexConcurrently
from django.db import connection, migrations, models
from django.db.migrations import Migration
from django.db.migrations.loader import MigrationLoader

BEFORE = {"evals_app": 7, "gateway_app": 11, "prompts_app": 7}
"""The last migration of each app that no running release had to live with."""


def broken(migration: Migration) -> list[str]:
    """The rules that this migration breaks, in words. A table of its own it may treat as it likes."""
    made = {one.name_lower for one in migration.operations if isinstance(one, migrations.CreateModel)}
    others = (one for one in migration.operations if getattr(one, "model_name_lower", "") not in made)
    sql = [str(one.sql) for one in migration.operations if isinstance(one, migrations.RunSQL)]
    return [rule for one in others if (rule := objection(one, atomic=migration.atomic, sql=sql))]


def objection(operation: Any, *, atomic: bool, sql: Sequence[str] = ()) -> str | None:
    match operation:
        case AddIndexConcurrently(index=index) if (
            f"DROP INDEX CONCURRENTLY IF EXISTS {index.name}" not in sql
        ):
            return "what an interrupted try left is in the way of the next: DROP INDEX CONCURRENTLY IF EXISTS"
        case migrations.RenameField() | migrations.RenameModel() | migrations.AlterModelTable():
            return "a rename is an addition, a copy and a removal"
        case migrations.AddField(field=field) if not (
            field.null or field.many_to_many or field.has_db_default()
        ):
            return f"the old code does not know {operation.name}: null or db_default"
        case AddIndexConcurrently() | RemoveIndexConcurrently():
            return "concurrently is outside of a transaction: atomic = False" if atomic else None
        case migrations.AddIndex() | migrations.RemoveIndex():
            return "an index of a table that is written to is made concurrently"
        case migrations.AddConstraint():
            return "a constraint comes as NOT VALID (AddConstraintNotValid) and is validated later"
    return None


def later() -> list[Migration]:
    found = MigrationLoader(None, ignore_no_migrations=True).disk_migrations
    return [
        migration
        for (app, name), migration in sorted(found.items())
        if app in BEFORE and int(name[:4]) > BEFORE[app]
    ]


def test_they_are_kept() -> None:
    assert {str(one): broken(one) for one in later() if broken(one)} == {}


def migration(*operations: migrations.operations.base.Operation, atomic: bool = True) -> Migration:
    made = Migration("0099_made_up", "gateway_app")
    made.operations, made.atomic = list(operations), atomic
    return made


INDEX = models.Index(fields=["name"], name="made_up")
NEW = migrations.CreateModel("new", [("id", models.BigAutoField(primary_key=True))])
CLEAR = migrations.RunSQL("DROP INDEX CONCURRENTLY IF EXISTS made_up", migrations.RunSQL.noop)
KEPT = [
    migration(migrations.AddField("call", "note", models.TextField(null=True))),
    migration(migrations.AddField("call", "count", models.IntegerField(db_default=0))),
    migration(NEW, migrations.AddField("new", "name", models.TextField())),
    migration(NEW, migrations.AddIndex("new", INDEX)),
    migration(CLEAR, AddIndexConcurrently("project", INDEX), atomic=False),
]
BROKEN = [
    migration(migrations.AddField("call", "note", models.TextField(default=""))),
    migration(migrations.RenameField("call", "model", "asked")),
    migration(migrations.RenameModel("call", "request")),
    migration(migrations.AddIndex("project", INDEX)),
    migration(CLEAR, AddIndexConcurrently("project", INDEX)),
    migration(AddIndexConcurrently("project", INDEX), atomic=False),
    migration(
        migrations.AddConstraint("project", models.CheckConstraint(condition=models.Q(name="a"), name="c"))
    ),
]


@pytest.mark.parametrize("made", KEPT)
def test_what_the_old_code_can_live_with_is_let_through(made: Migration) -> None:
    assert broken(made) == []


@pytest.mark.parametrize("made", BROKEN)
def test_what_it_cannot_live_with_is_found(made: Migration) -> None:
    assert len(broken(made)) == 1


@pytest.mark.django_db(transaction=True)
def test_a_migration_without_a_transaction_can_be_repeated() -> None:
    """As after an interruption just before its end."""
    loader = MigrationLoader(connection)
    repeated = 0
    for (app, name), one in sorted(loader.disk_migrations.items()):
        if not one.atomic:
            with connection.schema_editor(atomic=False) as editor:
                one.apply(loader.project_state((app, name), at_end=False), editor)
            repeated += 1
    assert repeated
