"""Embedded servers keep their data, survive a kill and fit any path."""

import os
import signal
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import psycopg
import pytest
import redis

from llmgateway import embedded
from llmgateway.embedded import Server
from llmgateway.processes import ProcessFailed
from llmgateway.test_services import FAST

Start = Callable[[], Server]


@pytest.fixture
def place(serving_path: Path) -> Path:
    """An empty folder for one test's servers."""
    directory = Path(tempfile.mkdtemp(dir=serving_path))
    directory.chmod(0o755)
    return directory


@pytest.fixture
def servers() -> Iterator[list[Server]]:
    started: list[Server] = []
    yield started
    for server in started:
        server.child.stop()


@pytest.fixture
def start_postgres(place: Path, servers: list[Server]) -> Start:
    def start() -> Server:
        server = embedded.postgres(place / "postgres", log=place / "postgres.log")
        servers.append(server)
        server.child.start()
        return server

    return start


@pytest.fixture
def start_redis(place: Path, servers: list[Server]) -> Start:
    def start() -> Server:
        server = embedded.redis(place / "redis", log=place / "redis.log")
        servers.append(server)
        server.child.start()
        return server

    return start


def test_postgres_keeps_its_data_through_a_clean_stop(start_postgres: Start) -> None:
    first = start_postgres()
    _write(first.url, "kept")
    first.child.stop()
    assert first.child.exit_code == 0
    assert _read(start_postgres().url) == "kept"


def test_postgres_comes_back_after_a_kill(start_postgres: Start) -> None:
    first = start_postgres()
    _write(first.url, "kept")
    _kill(first)
    assert _read(start_postgres().url) == "kept"


def test_postgres_fits_a_path_that_is_too_long_for_a_socket(place: Path, servers: list[Server]) -> None:
    directory = place / ("a long name, with a comma " * 4) / "postgres"
    directory.parent.mkdir()
    server = embedded.postgres(directory, log=place / "postgres.log", options=FAST)
    servers.append(server)
    server.child.start()
    _write(server.url, "there")
    assert _read(server.url) == "there"


def test_a_cluster_whose_making_was_interrupted_is_made_again(place: Path, start_postgres: Start) -> None:
    (place / "postgres.new-before").mkdir()
    (place / "postgres.new-before" / "PG_VERSION").write_text("18\n")
    _write(start_postgres().url, "there")
    assert sorted(path.name for path in place.glob("postgres*")) == ["postgres", "postgres.log"]


def test_redis_keeps_its_data_and_its_port(start_redis: Start) -> None:
    first = start_redis()
    with redis.Redis.from_url(first.url) as client:
        client.set("name", "kept")
    first.child.stop()
    second = start_redis()
    assert second.url == first.url
    with redis.Redis.from_url(second.url) as client:
        assert client.get("name") == b"kept"


def test_redis_takes_another_port_when_its_own_is_taken(start_redis: Start) -> None:
    assert start_redis().url != start_redis().url


def test_redis_evicts_only_what_has_a_ttl_and_has_a_bound(start_redis: Start) -> None:
    with redis.Redis.from_url(start_redis().url) as client:
        chosen = client.config_get("maxmemory*")
    assert (chosen["maxmemory-policy"], chosen["maxmemory"]) == ("volatile-lru", str(256 * 1024**2))


def test_without_any_redis_one_line_says_what_to_install(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(place))
    monkeypatch.setattr("sys.path", [])
    with pytest.raises(ProcessFailed, match="install valkey or redis"):
        embedded.redis(place / "redis", log=place / "redis.log")


def test_a_data_directory_that_cannot_be_made_is_named(place: Path) -> None:
    (place / "file").touch()
    with pytest.raises((ProcessFailed, OSError), match="file"):
        embedded.postgres(place / "file" / "postgres", log=place / "log")


def _write(url: str, value: str) -> None:
    with psycopg.connect(url, connect_timeout=5) as connection:
        connection.execute("CREATE TABLE note AS SELECT %s::text AS value", [value])


def _read(url: str) -> str:
    with psycopg.connect(url, connect_timeout=5) as connection:
        (value,) = connection.execute("SELECT value FROM note").fetchone() or ("",)
    return str(value)


def _kill(server: Server) -> None:
    backends = psutil.Process(server.child.pid).children(recursive=True)
    os.kill(server.child.pid or 0, signal.SIGKILL)
    server.child.wait(5)
    psutil.wait_procs(backends, timeout=5)
