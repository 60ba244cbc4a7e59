"""A pytest plugin: a real Postgres and a real Redis for the run, before Django reads its settings.

`TEST_DATABASE_URL` and `TEST_REDIS_URL` name servers to use instead: databases are created in the one,
databases 0, 1 and 15 of the other are flushed. In a run of several processes (`-n`), each has servers of its
own, or else databases of its own: the second process 2, 3 and 14, and so on.
"""

import os
import secrets
import shutil
import tempfile
from collections.abc import Generator, Iterator
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg
import pytest
import redis
from psycopg import sql

from llmgateway import embedded, env
from llmgateway.processes import ProcessFailed
from llmgateway.stack import Stack

FAST = {"fsync": "off", "full_page_writes": "off", "synchronous_commit": "off", "max_connections": "300"}
"""Parameters of a Postgres whose data need not survive a power cut."""

ENVIRONMENT = {
    # A developer's own settings must not decide what passes.
    env.ENV_FILES: os.devnull,
    # Static files are served as they lie, not as collected; pytest-django itself turns Django's DEBUG off.
    "DEBUG": "1",
    "SECRET_KEY": "for-tests-only-" + "x" * 50,
    "HTTPS_ONLY": "0",
    "ALLOWED_HOSTS": "localhost,127.0.0.1,testserver",
    "GATEWAY_ALLOW_ANONYMOUS": "0",
    "GEMINI_API_KEY": "for-tests-only",
    # Tests make one vendor fail on purpose while others use it.
    "CIRCUIT_FAILURES": "1000000",
}


PROCESS = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
REDIS, REDIS_OF_THE_STACK = str(2 * PROCESS), str(2 * PROCESS + 1)
REDIS_OF_A_SECOND_STACK = str(15 - PROCESS)
"""From the other end: four processes meet nowhere."""

NOWHERE = {"DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none", "REDIS_URL": "redis://127.0.0.1:1/0"}
"""For a process that runs no test: settings are read there, too, and nobody is asked."""


@pytest.hookimpl(wrapper=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> Generator[None]:
    with ExitStack() as undo:
        try:
            urls = NOWHERE if _only_hands_out(early_config) else _servers(undo)
        except (ProcessFailed, redis.RedisError) as error:
            raise pytest.UsageError(str(error)) from error
        for name in env.names():
            os.environ.pop(name, None)
        os.environ.update(ENVIRONMENT | urls)
        early_config.add_cleanup(undo.pop_all().close)
    return (yield)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--slow", action="store_true", help="run the long proofs, too")


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    if item.get_closest_marker("slow") and not item.config.getoption("--slow"):
        pytest.skip("a long proof: --slow runs it")


def pytest_configure(config: pytest.Config) -> None:
    # The test database goes with its server, or by force: a connection that some thread still holds
    # is no reason to fail.
    config.option.reuse_db = True


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """With `-n`, a file stays in one process, but for its tests that empty the database: those come later.

    pytest-django sorts them to the end of a process; this keeps them there when files are handed out.
    """
    for item in items:
        marker = item.get_closest_marker("django_db")
        fixtures = getattr(item, "fixturenames", ())
        empties = "transactional_db" in fixtures or bool(marker and marker.kwargs.get("transaction"))
        item.add_marker(pytest.mark.xdist_group(f"{item.path.stem}{'-emptying' if empties else ''}"))


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """The real system: its simulator drips a chunk every 50 ms, two gateway workers."""
    system = Stack(
        tmp_path_factory.mktemp("stack"),
        environment=dict(os.environ),
        database_url=_with_path(os.environ["DATABASE_URL"], f"stack_{secrets.token_hex(4)}"),
        redis_url=_with_path(os.environ["REDIS_URL"], REDIS_OF_THE_STACK),
    )
    system.start()
    yield system
    system.stop()


def _only_hands_out(config: pytest.Config) -> bool:
    """Whether this is the process that hands the tests out to others."""
    several = bool(getattr(config.known_args_namespace, "numprocesses", None))
    return several and "PYTEST_XDIST_WORKER" not in os.environ


def _servers(undo: ExitStack) -> dict[str, str]:
    """Starts what is not given by a URL; `undo` stops it."""
    directory = Path(tempfile.mkdtemp(prefix="llmgateway-"))
    undo.callback(shutil.rmtree, directory, ignore_errors=True)
    database_url, redis_url = os.environ.get("TEST_DATABASE_URL"), os.environ.get("TEST_REDIS_URL")
    # A name of its own, so that two runs on one server do not meet.
    name = f"llmgateway_{secrets.token_hex(4)}"
    if database_url:
        undo.callback(_drop, database_url, f"test_{name}")
    else:
        server = embedded.postgres(directory / "postgres", log=directory / "postgres.log", options=FAST)
        database_url = _start(server, undo)
    if redis_url:
        _flush(redis_url)
    else:
        server = embedded.redis(directory / "redis", log=directory / "redis.log", persistent=False)
        redis_url = _start(server, undo)
    return {"DATABASE_URL": _with_path(database_url, name), "REDIS_URL": _with_path(redis_url, REDIS)}


def _start(server: embedded.Server, undo: ExitStack) -> str:
    undo.callback(server.child.stop)
    server.child.start()
    return server.url


def _drop(database_url: str, name: str) -> None:
    with psycopg.connect(database_url, dbname="postgres", autocommit=True, connect_timeout=5) as connection:
        connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))


def _flush(redis_url: str) -> None:
    for number in (REDIS, REDIS_OF_THE_STACK, REDIS_OF_A_SECOND_STACK):
        with redis.Redis.from_url(_with_path(redis_url, number), socket_connect_timeout=5) as client:
            client.flushdb()


def _with_path(url: str, path: str) -> str:
    return urlunsplit(urlsplit(url)._replace(path=f"/{path}"))
