"""Secrets stay where they were put: in no log, trace, error, page or metric, whatever goes wrong."""

import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from llmgateway.env import ROOT
from llmgateway.tests.security.canaries import CANARY, MODELS, Walk, admin_pages, go_wrong, planted
from llmgateway.tests.security.echoing_vendor import WAYS


@pytest.fixture(scope="module")
def walk() -> Iterator[Walk]:
    with ExitStack() as undo:
        found = planted(Path(undo.enter_context(tempfile.TemporaryDirectory(prefix="canaries-"))), undo)
        go_wrong(found)
        yield found


def secrets_of(walk: Walk) -> dict[str, str]:
    """What nobody may find: the canaries, and the secret half of the key that was used."""
    return CANARY | {
        "the caller's key": walk.stack.key.split("_", 2)[2],
        "the admin's password": walk.stack.admin[1],
    }


def leaks(walk: Walk, texts: dict[str, str]) -> list[tuple[str, str]]:
    return [
        (where, name)
        for where, text in texts.items()
        for name, secret in secrets_of(walk).items()
        if secret in text
    ]


def test_everything_went_wrong_and_the_vendor_had_its_keys(walk: Walk) -> None:
    told = "".join(walk.vendor)
    assert all(CANARY[name] in told for name in ("GEMINI_API_KEY", "OPENAI_API_KEY", "ANTHROPIC_API_KEY"))
    assert len(walk.vendor) >= len(MODELS) * len(WAYS)


def test_no_vendor_is_told_what_is_not_its_own(walk: Walk) -> None:
    """Nobody's headers go through, and no vendor gets another one's key."""
    own = {"GEMINI_API_KEY": "/v1beta", "OPENAI_API_KEY": "/v1/chat", "ANTHROPIC_API_KEY": "/v1/messages"}
    for name, secret in secrets_of(walk).items():
        strangers = [
            told for told in walk.vendor if secret in told and not told.startswith(own.get(name, "none"))
        ]
        assert strangers == [], name


def test_no_reply_tells_a_secret(walk: Walk) -> None:
    found = leaks(walk, {str(number): reply for number, reply in enumerate(walk.replies)})
    assert [(number, name) for number, name in found if name != "QUERY"] == [], (
        "their own words they may have back"
    )


def test_no_log_tells_a_secret_at_any_level(walk: Walk) -> None:
    logs = walk.logs()
    assert {"gateway.log", "ledger.log"} <= set(logs)
    assert '"level":"debug"' in logs["gateway.log"] + logs["ledger.log"]
    assert leaks(walk, logs) == []


def test_no_trace_tells_a_secret(walk: Walk) -> None:
    for host in walk.traces:
        assert host.requests
        assert leaks(walk, {request.path: request.body.decode("latin-1") for request in host.requests}) == []


def test_no_row_holds_a_secret(walk: Walk) -> None:
    found = {}
    with psycopg.connect(walk.stack.database_url) as connection:
        tables = connection.execute("SELECT relname FROM pg_stat_user_tables").fetchall()
        for (name,) in tables:
            rows = connection.execute(sql.SQL("SELECT t::text FROM {} t").format(sql.Identifier(name)))
            found[name] = "\n".join(text for (text,) in rows)
    assert found["gateway_app_call"]
    assert leaks(walk, found) == []


def test_no_page_of_the_admin_tells_a_secret(walk: Walk) -> None:
    found = admin_pages(walk.stack)
    assert len(found) > 30
    assert leaks(walk, found) == []


def test_a_gateway_that_cannot_connect_says_so_without_the_password(walk: Walk) -> None:
    away = {
        "DATABASE_URL": f"postgresql://ada:{CANARY['DATABASE_URL']}@127.0.0.1:1/none",
        "REDIS_URL": f"redis://:{CANARY['REDIS_URL']}@127.0.0.1:1/0",
    }
    command = [sys.executable, "-m", "llmgateway.serve", "--port", "0"]
    running = subprocess.Popen(
        command,
        env=walk.stack.env | away,
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    with suppress(subprocess.TimeoutExpired):
        running.wait(timeout=5)
    running.terminate()
    said, _ = running.communicate(timeout=30)
    assert "127.0.0.1" in said
    assert leaks(walk, {"output": said}) == []
