"""A whole system to break: Postgres, Redis, the simulator, two workers, and a proxy before each server."""

import asyncio
import json
import os
import secrets
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import psutil
import psycopg
import redis

from gateway_app.testing.process import SimulatorControl
from llmgateway import embedded
from llmgateway.env import ENV_FILES, ROOT
from llmgateway.ports import LOOPBACK, free_port, refusal
from llmgateway.processes import Child
from llmgateway.stack import Stack
from torture.proxy import FaultKind

METRICS_TOKEN = "for-torture-only"  # noqa: S105
FAST = {"fsync": "off", "full_page_writes": "off", "max_connections": "60"}
"""Its data survive its own death, though not the machine's."""
ENVIRONMENT = {
    ENV_FILES: os.devnull,
    "DEBUG": "1",
    "SECRET_KEY": "for-torture-only-" + "x" * 50,
    "HTTPS_ONLY": "0",
    "GATEWAY_ALLOW_ANONYMOUS": "0",
    # One scenario's broken vendor is the next one's.
    "CIRCUIT_FAILURES": "1000000",
    "REQUEST_TIMEOUT": "30",
    "FIRST_TOKEN_TIMEOUT": "4",
    "IDLE_TIMEOUT": "4",
    "METRICS_TOKEN": METRICS_TOKEN,
}


class System:
    """`start()` returns when the gateway is ready; `stop()` leaves nothing behind.

    `environment` is on top of `ENVIRONMENT`; `chunk_delay` in seconds, of the simulator.
    """

    def __init__(
        self, directory: Path, *, environment: Mapping[str, str] | None = None, chunk_delay: float = 0.02
    ) -> None:
        self.postgres = embedded.postgres(
            directory / "postgres", log=directory / "postgres.log", options=FAST
        )
        self.redis = embedded.redis(directory / "redis", log=directory / "redis.log", persistent=True)
        self._control = free_port()
        name = f"torture_{secrets.token_hex(4)}"
        ports = {link: free_port() for link in ("postgres", "redis", "vendor", "tracing")}
        self.ports = ports
        self.tracing_port = free_port()
        """Where a host for traces may listen, behind the link `tracing`."""
        self.stack = Stack(
            directory,
            environment=_clean(os.environ) | ENVIRONMENT | dict(environment or {}),
            database_url=self.postgres.url.replace("/postgres?", f"/{name}?"),
            redis_url=self.redis.url,
            chunk_delay=chunk_delay,
            routes={
                "DATABASE_URL": f"postgresql://postgres@{LOOPBACK}:{ports['postgres']}/{name}",
                "REDIS_URL": f"redis://{LOOPBACK}:{ports['redis']}/0",
                "GEMINI_BASE_URL": f"http://{LOOPBACK}:{ports['vendor']}",
                **_through(environment or {}, ports["tracing"]),
            },
        )
        self._proxy = self._between(directory / "proxy.log")
        self.simulator = SimulatorControl(self.stack.simulator_url)

    def _between(self, log: Path) -> Child:
        """The proxy that all links go through."""
        socket_folder = parse_qs(urlsplit(self.postgres.url).query)["host"][0]
        targets = {
            "postgres": f"{socket_folder}/{embedded.SOCKET_NAME}",
            "redis": urlsplit(self.redis.url).netloc,
            "vendor": urlsplit(self.stack.simulator_url).netloc,
            "tracing": f"{LOOPBACK}:{self.tracing_port}",
        }
        return Child(
            "proxy",
            [
                *(sys.executable, "-m", "torture.proxy", str(self._control)),
                *(f"{self.ports[link]}={target}" for link, target in targets.items()),
            ],
            log=log,
            ready=lambda: refusal(LOOPBACK, self._control, timeout=1) is None,
        )

    def start(self) -> None:
        try:
            self.postgres.child.start()
            self.redis.child.start()
            self._proxy.start()
            self.stack.start()
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        for child in (self.redis.child, self.postgres.child):
            resume(child.pid)
        with suppress(psycopg.Error):
            self.stack.stop()
        self._proxy.stop()
        self.redis.child.kill()
        self.postgres.child.kill()

    def fault(self, link: str, kind: FaultKind = "none", **options: float) -> None:
        """Breaks a link, or mends it: `postgres`, `redis`, `vendor` or `tracing`; see `proxy.LinkFault`."""
        order = {"port": self.ports[link], "fault": kind, **options}
        with socket.create_connection((LOOPBACK, self._control), 5) as control:
            control.sendall(json.dumps(order).encode() + b"\n")
            assert control.recv(8) == b"ok\n", "the proxy is gone"

    def keys(self, *orders: dict[str, Any]) -> list[str]:
        """New API keys; an order is what `create_key` takes besides the name."""
        made = subprocess.run(
            [sys.executable, "-m", "torture.keys"],
            input=json.dumps(orders),
            env=self.stack.env,
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert made.returncode == 0, f"no keys were made: {made.stderr[-500:]}"
        keys: list[str] = json.loads(made.stdout.splitlines()[-1])
        return keys

    async def new_keys(self, *orders: dict[str, Any]) -> list[str]:
        """As `keys`; every worker knows them when they are returned."""
        keys = await asyncio.to_thread(self.keys, *orders)
        await asyncio.sleep(1.0)
        return keys

    def query(self, text: str, *values: Any) -> list[tuple[Any, ...]]:
        """Rows of the system's database, past the proxy."""
        with psycopg.connect(self.stack.database_url, connect_timeout=5) as connection:
            return connection.execute(text.encode(), values or None).fetchall()

    def redis_client(self) -> "redis.Redis":
        """Past the proxy."""
        return redis.Redis.from_url(self.redis.url, socket_timeout=5)

    def workers(self) -> list[psutil.Process]:
        """The processes that serve."""
        children = psutil.Process(self.stack.pid("gateway")).children()
        return [child for child in children if _serves(child)]


def _serves(process: psutil.Process) -> bool:
    with suppress(psutil.Error):
        return process.status() != psutil.STATUS_ZOMBIE and "spawn_main" in " ".join(process.cmdline())
    return False


def resume(pid: int | None) -> None:
    """Lets a stopped process and its children go on; nothing where there is none."""
    if pid is not None:
        with suppress(ProcessLookupError):
            os.killpg(pid, signal.SIGCONT)


def _clean(environment: Mapping[str, str]) -> dict[str, str]:
    """Without what a developer's shell says to the gateway itself."""
    kept = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "VIRTUAL_ENV", "PYTHONPATH", "SSL_CERT_FILE")
    return {name: value for name, value in environment.items() if name in kept}


def _through(environment: Mapping[str, str], port: int) -> dict[str, str]:
    """Hosts for traces that are named at all are reached through the proxy."""
    hosts = ("LANGFUSE_HOST", "OTEL_EXPORTER_OTLP_ENDPOINT")
    return {name: f"http://{LOOPBACK}:{port}" for name in hosts if name in environment}
