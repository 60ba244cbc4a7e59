"""Us and the floor, each as it is started and as it is asked."""

import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field

from benchmarks import asks
from benchmarks.house import House
from benchmarks.load import Asks
from benchmarks.machine import on_core
from llmgateway import parts
from llmgateway.env import ENV_FILES, ROOT
from llmgateway.ports import free_port
from llmgateway.processes import Child, ProcessFailed

LIMITS = (
    *("--requests-per-minute", "100000000", "--tokens-per-minute", "2000000000"),
    *("--concurrent-requests", "100000", "--daily-budget-usd", "100000", "--monthly-budget-usd", "1000000"),
)
"""Every kind of limit is checked, and none is met."""


@dataclass(frozen=True, kw_only=True)
class Gateway:
    name: str
    version: str
    port: int
    child: Child
    cases: Mapping[str, Asks] = field(default_factory=dict)
    """Kind of request -> how it is asked: `hit`, `miss`, `stream`; ours has two more kinds of hits."""

    @property
    def pid(self) -> int:
        assert self.child.pid is not None
        return self.child.pid


@dataclass(frozen=True, kw_only=True)
class Ours:
    """The whole system in production's settings; its gateway can be started anew with other workers."""

    house: House
    environment: Mapping[str, str]
    key: str

    @contextmanager
    def serving(self, *, workers: int = 1, cores: tuple[int, ...] | None = None) -> Iterator[Gateway]:
        port = free_port()
        environment = {**self.environment, "WEB_WORKERS": str(workers)}
        child = parts.gateway(environment, port=port, log=self.house.directory / "gateway.log")
        child.command = on_core(child.command, *(cores or (self.house.gateway_core,)))
        try:
            child.start()
            yield as_ours(self.key, port=port, child=child)
        finally:
            child.stop()


def as_ours(key: str, *, port: int, child: Child) -> Gateway:
    return Gateway(name="ours", version="", port=port, child=child, cases=_our_cases(key))


def _our_cases(key: str) -> dict[str, Asks]:
    sent, v1 = {"Authorization": f"Bearer {key}"}, "/v1/chat/completions"
    return {
        "hit": asks.same(asks.whole(sent, asks.openai_prompt, path=v1, cache="HIT")),
        "chat/stream hit": asks.same(asks.whole(sent, asks.summary, path="/summarize/stream", cache="HIT")),
        "chat hit": asks.same(asks.whole(sent, asks.summary, path="/summarize", cache="HIT")),
        "miss": asks.whole(sent, asks.openai_prompt, path=v1, cache="MISS"),
        "stream": asks.streamed(sent, asks.openai_prompt),
        "fill": asks.whole(sent, asks.openai_prompt, path=v1, cache=None),
        "fill chat": asks.whole(sent, asks.summary, path="/summarize", cache=None),
    }


@contextmanager
def ours(house: House) -> Iterator[Ours]:
    """Migrated and seeded, with a key that has every limit, and the ledger worker at its work."""
    environment = {
        ENV_FILES: "/dev/null",
        "PATH": "/usr/bin:/bin",
        "DEBUG": "0",
        "SECRET_KEY": "for-the-benchmark-" + "x" * 40,
        "ALLOWED_HOSTS": "127.0.0.1",
        "DATABASE_URL": house.database_url,
        "REDIS_URL": house.redis_url,
        "GEMINI_BASE_URL": house.vendor,
        "GEMINI_API_KEY": "none-is-needed",
        "LOG_LEVEL": "INFO",
    }
    with ExitStack() as undo:
        bootstrap = parts.bootstrap(environment, "--json", log=house.directory / "bootstrap.log")
        undo.callback(bootstrap.stop)
        bootstrap.launch()
        if bootstrap.wait(timeout=120) != 0:
            raise ProcessFailed(f"bootstrap failed:\n{bootstrap.output()}")
        ledger = parts.ledger(environment, log=house.directory / "ledger.log")
        # It lags behind under load, and nobody waits for it: whoever asks and answers goes first.
        ledger.command = ["nice", *ledger.command]
        undo.callback(ledger.stop)
        ledger.start()
        key = manage(environment, "create_key", "--project", "bench", "--name", "bench", *LIMITS).split()[-1]
        yield Ours(house=house, environment=environment, key=key)


def manage(environment: Mapping[str, str], *command: str, timeout: float = 900) -> str:
    """What the command prints. Raises `ProcessFailed`."""
    done = subprocess.run(
        [sys.executable, ROOT / "manage.py", *command],
        env=dict(environment),
        capture_output=True,
        text=True,
        check=False,
        timeout=timeout,
    )
    if done.returncode:
        raise ProcessFailed(f"manage.py {command[0]} failed:\n{done.stderr[-2000:]}")
    return done.stdout


def _floor_cases() -> dict[str, Asks]:
    return {
        "hit": asks.floor(),
        "miss": asks.whole({}, asks.openai, path="/v1/chat/completions", cache=None),
        "stream": asks.streamed({}, asks.openai),
    }


@contextmanager
def floor(house: House) -> Iterator[Gateway]:
    port = free_port()
    command = [sys.executable, "-m", "benchmarks.floor", str(port), house.redis_url, house.vendor]
    child = house.child("floor", command, port=port, environment={"PYTHONPATH": str(ROOT)})
    try:
        child.start()
        yield Gateway(name="floor", version="", port=port, child=child, cases=_floor_cases())
    finally:
        child.stop()
