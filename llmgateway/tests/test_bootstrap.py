"""`manage.py bootstrap` makes a database ready once and changes nothing the second time."""

import json
import os
import re
import subprocess
import sys
from io import StringIO
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg
import pytest
from django.contrib.auth import get_user_model
from django.core.management import call_command
from django.db import connection
from django.db.models.signals import pre_migrate

from gateway_app.management.commands.bootstrap import announcement
from gateway_app.models import ApiKey
from llmgateway import parts
from llmgateway.env import ROOT
from prompts_app.models import Prompt

pytestmark = pytest.mark.django_db


def bootstrap() -> dict[str, str | None]:
    output = StringIO()
    call_command("bootstrap", "--json", stdout=output)
    return dict(json.loads(output.getvalue().splitlines()[-1]))


def test_a_fresh_database_gets_prompts_an_admin_and_a_key() -> None:
    made = bootstrap()
    user = get_user_model().objects.get(username=made["username"])
    assert user.check_password(made["password"] or "")
    assert user.is_superuser
    assert ApiKey.objects.count() == 1
    assert Prompt.objects.filter(name="summarizer").exists()


def test_the_second_time_makes_nothing_new() -> None:
    bootstrap()
    assert bootstrap() == {"username": "admin", "password": None, "key": None}
    assert (get_user_model().objects.count(), ApiKey.objects.count()) == (1, 1)


def test_a_migration_may_take_its_time_but_not_wait_for_locks() -> None:
    """As the default settings have it otherwise: 30 s for a statement, 5 s for a lock."""
    seen = {}

    def look(sender: object, **kwargs: object) -> None:
        seen["during"] = timeouts()

    pre_migrate.connect(look)
    try:
        bootstrap()
    finally:
        pre_migrate.disconnect(look)
    assert seen == {"during": ("0", "5s")}
    assert timeouts() == ("30s", "5s")


def timeouts() -> tuple[str, str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_setting('statement_timeout'), current_setting('lock_timeout')")
        statement, lock = cursor.fetchone()
    return statement, lock


def test_where_there_are_users_no_admin_is_added() -> None:
    get_user_model().objects.create_user("somebody")
    assert bootstrap()["password"] is None


def test_of_two_at_once_one_makes_the_first_user_and_key(tmp_path: Path) -> None:
    """On an empty database, as where several pods start: both end well."""
    address = urlsplit(os.environ["DATABASE_URL"])
    environment = {**os.environ, "DATABASE_URL": urlunsplit(address._replace(path="/started_twice"))}
    with psycopg.connect(os.environ["DATABASE_URL"], dbname="postgres", autocommit=True) as maintenance:
        maintenance.execute("CREATE DATABASE started_twice")
        try:
            children = [
                parts.bootstrap(environment, "--json", log=tmp_path / f"{number}.log") for number in range(2)
            ]
            for child in children:
                child.launch()
            assert [child.wait(timeout=60) for child in children] == [0, 0], children[0].output()
        finally:
            maintenance.execute("DROP DATABASE started_twice WITH (FORCE)")
    made = [json.loads(child.output().splitlines()[-1]) for child in children]
    assert sorted(bool(one["key"]) and bool(one["password"]) for one in made) == [False, True]


def test_new_secrets_are_announced_in_a_box() -> None:
    box = announcement("the-password", "gw_the_key").splitlines()
    assert any("the-password" in line for line in box)
    assert any("gw_the_key" in line for line in box)
    assert len({len(line) for line in box}) == 1


def test_old_secrets_are_not_shown_but_how_to_get_others_is() -> None:
    assert "changepassword admin" in announcement(None, None)
    assert "create_key" in announcement(None, None)


def test_a_database_that_refuses_us_is_one_line() -> None:
    url = re.sub(r"//.*@", "//nobody@", os.environ["DATABASE_URL"])
    refused = subprocess.run(
        [sys.executable, ROOT / "manage.py", "bootstrap"],
        env={**os.environ, "DATABASE_URL": url},
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
    )
    (line,) = refused.stderr.splitlines()
    assert refused.returncode == 1
    assert line.startswith("CommandError: DATABASE_URL: ")
