"""The servers around what is measured: Postgres, Redis and the vendor, on a core of their own."""

import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import redis

from benchmarks.machine import on_core
from llmgateway import embedded
from llmgateway.env import ROOT
from llmgateway.ports import LOOPBACK, free_port, refusal
from llmgateway.processes import Child


@dataclass(frozen=True, kw_only=True)
class House:
    directory: Path
    """For this run alone."""
    database_url: str
    redis_url: str
    vendor_port: int
    gateway_core: int

    @property
    def vendor(self) -> str:
        return f"http://{LOOPBACK}:{self.vendor_port}"

    def child(self, name: str, command: list[str], *, port: int, **options: object) -> Child:
        """A server to be measured, on the gateway's core, ready when it answers at `port`."""
        return Child(
            name,
            on_core(command, self.gateway_core),
            log=self.directory / f"{name}.log",
            ready=lambda: refusal(LOOPBACK, port, timeout=1) is None,
            **options,  # type: ignore[arg-type]
        )


@contextmanager
def house(directory: Path, *, gateway_core: int) -> Iterator[House]:
    """Everything is stopped at the end, however it comes."""
    with ExitStack() as undo:
        postgres = embedded.postgres(directory / "postgres", log=directory / "postgres.log")
        cache = embedded.redis(directory / "redis", log=directory / "redis.log", persistent=False)
        port = free_port()
        vendor = Child(
            "vendor",
            [sys.executable, "-m", "benchmarks.vendor", str(port)],
            environment={"PYTHONPATH": str(ROOT)},
            log=directory / "vendor.log",
            ready=lambda: refusal(LOOPBACK, port, timeout=1) is None,
        )
        for child in (postgres.child, cache.child, vendor):
            undo.callback(child.stop)
            child.start()
        with redis.Redis.from_url(cache.url) as client:
            # The ledger's stream grows faster under this load than one worker on the other core empties it.
            client.config_set("maxmemory", "2gb")
        yield House(
            directory=directory,
            database_url=postgres.url,
            redis_url=cache.url,
            vendor_port=port,
            gateway_core=gateway_core,
        )
