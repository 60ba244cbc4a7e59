"""manage.py bootstrap: makes a database ready to serve from; safe to run at every start."""

import json
import secrets
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from io import StringIO
from typing import Any

from django.contrib.auth import get_user_model
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DEFAULT_DB_ALIAS, connection, connections
from django.utils import timezone

from gateway_app import catalogue, conf, partitions
from gateway_app.access import create_key
from gateway_app.models import ApiKey
from gateway_app.prices import seed_prices
from prompts_app import database

ADMIN = "admin"
LOCK = 7_701_904_402
"""Of Postgres's advisory locks: one process at a time makes the database ready."""
POLL = 0.2
"""Seconds between two looks whether another one is done."""


class Command(BaseCommand):
    help = "Migrates, seeds from fixtures/, and on a fresh database makes the first user and API key."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", help="print what was made as one JSON object")

    def handle(self, *args: Any, **options: Any) -> None:
        check_database()
        with alone():
            seeded = make_ready()
            password, key = first_admin(), first_key()
        if options["json"]:
            self.stdout.write(json.dumps({"username": ADMIN, "password": password, "key": key}))
        else:
            done = ["seeded from fixtures"] if password else seeded
            self.stdout.write("".join(f"Prompts   {line}\n" for line in done), ending="")
            self.stdout.write(announcement(password, key))


def make_ready() -> list[str]:
    """Returns what there is to say of the prompts."""
    migrate()
    call_command("sync_prompts", stdout=(said := StringIO()))
    call_command("sync_datasets", stdout=StringIO())
    partitions.make_ahead(timezone.now())
    models = catalogue.load(conf.gateway().catalogue)
    seed_prices([*models.cards.values(), *models.embeddings.values()])
    return said.getvalue().splitlines()


def check_database() -> None:
    """Raises `CommandError` with the reason, which the pool only logs."""
    if reason := database.refusal():
        raise CommandError(f"DATABASE_URL: {reason}")


@contextmanager
def alone() -> Iterator[None]:
    """Pods that start at once would make the same tables: one at a time. Who is killed lets go, too."""
    # In a transaction of its own, which no pooler parts. Who waited within Postgres would keep the other one
    # from making an index concurrently.
    with closing(connections.create_connection(DEFAULT_DB_ALIAS)) as beside:
        beside.set_autocommit(False)
        with beside.cursor() as cursor:
            while not cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [LOCK]).fetchone()[0]:
                time.sleep(POLL)
            yield


def migrate() -> None:
    """However long a statement takes: an index of millions of rows is not made in 30 s."""
    with connection.cursor() as cursor:
        cursor.execute("SET statement_timeout = 0")
    call_command("migrate", interactive=False, verbosity=0)
    with connection.cursor() as cursor:
        cursor.execute("RESET statement_timeout")


def first_admin() -> str | None:
    """The password of a new superuser; None where there are users already."""
    users = get_user_model().objects
    if users.exists():
        return None
    password = secrets.token_urlsafe(12)
    users.create_superuser(ADMIN, password=password)
    return password


def first_key() -> str | None:
    """A new API key of the project `demo`; None where there are keys already."""
    if ApiKey.objects.exists():
        return None
    return str(create_key(project="demo", name="made at the first start"))


def announcement(password: str | None, key: str | None) -> str:
    """What a person is told: new secrets in a box, for old ones how to get others."""
    lines = [
        f"Admin user  {ADMIN}, password {password}" if password else "",
        f"API key     {key}" if key else "",
    ]
    if not any(lines):
        return (
            "Secrets   were shown at the first start; for new ones: "
            "manage.py changepassword admin, manage.py create_key --name NAME"
        )
    lines = ["Keep these: they are shown once and stored nowhere in clear.", "", *filter(None, lines)]
    width = max(map(len, lines))
    edge = f"+{'-' * (width + 2)}+"
    return "\n".join([edge, *(f"| {line:<{width}} |" for line in lines), edge])
