"""Where a request's time goes, by part and by function: `python -m benchmarks.profiling KIND [REQUESTS]`.

KIND is `hit`, `chat hit`, `chat/stream hit`, `miss` or `stream`. The gateway runs under cProfile with the
thread's own time, so that waiting is not counted. That costs a multiple: the order, and the numbers of calls,
are what to look at.
"""

import cProfile
import itertools
import os
import pstats
import signal
import sys
import tempfile
import time
from collections import defaultdict
from pathlib import Path

import uvloop

from benchmarks import asks, gateways, machine, rounds
from benchmarks.gateways import Gateway
from benchmarks.house import house
from benchmarks.load import for_seconds, once_each
from llmgateway import parts
from llmgateway.env import ROOT
from llmgateway.ports import free_port

LINES = 45
PARTS = {
    "the server: uvicorn, routing, headers": (
        *("uvicorn/", "channels/", "llmgateway/asgi", "llmgateway/protocols", "llmgateway/held_head"),
        *("gateway_app/door", "gateway_app/http_consumer", "gateway_app/headers", "gateway_app/disconnect"),
    ),
    "OpenAI's wire": ("gateway_app/v1/", "json/", "gateway_app/schemas"),
    "the prompt: choosing, checking, rendering": ("prompts_app/", "gateway_app/resolution", "jsonschema"),
    "keys, limits, prices": (
        *("gateway_app/authentication", "gateway_app/keys", "gateway_app/limits", "gateway_app/admission"),
        *("gateway_app/estimates", "gateway_app/pricing", "gateway_app/price_book", "gateway_app/catalogue"),
    ),
    "Redis: the cache and the flights": (
        *("gateway_app/redis_", "gateway_app/response_cache", "gateway_app/cache_key", "django_redis/"),
        *("gateway_app/flight", "hiredis"),
    ),
    "the vendor": ("aiohttp/", "gateway_app/providers/", "yarl/", "multidict/", "aiohappyeyeballs/"),
    "retries, circuits, pacing": ("gateway_app/upstream", "gateway_app/pacing", "gateway_app/circuits"),
    "logs": ("structlog/", "llmgateway/logs", "logging/"),
    "metrics": ("gateway_app/metrics/", "prometheus_client/"),
    "the call and its ledger entry": (
        *("gateway_app/calls", "gateway_app/ledger", "gateway_app/ids", "gateway_app/records", "uuid"),
    ),
    "the pipeline": (
        "gateway_app/service",
        "gateway_app/events",
        "gateway_app/types",
        "gateway_app/requests",
    ),
}
"""What the gateway is made of -> how the names of its modules begin."""
THE_REST = "the rest: asyncio, contextlib, Django"
SERVE = "--serve"
Place = tuple[str, int, str]
Told = dict[Place, tuple[int, int, float, float, dict[Place, tuple[int, int, float, float]]]]
"""cProfile's: place -> calls (primitive, all), seconds (own, all), and the same for each caller."""


def main(kind: str, requests: int) -> None:
    rest, core = machine.cores()
    machine.keep_to(rest)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        with house(folder, gateway_core=core) as place, gateways.ours(place) as ours:
            port, found = free_port(), folder / "profile"
            child = parts.gateway(ours.environment, port=port, log=folder / "gateway.log")
            child.command = [sys.executable, "-m", "benchmarks.profiling", SERVE, found, "--port", str(port)]
            child.environment = {**ours.environment, "PYTHONPATH": str(ROOT)}
            try:
                child.start()
                _drive(gateways.as_ours(ours.key, port=port, child=child), kind, requests)
                _wait_for(found)
            finally:
                child.stop()
            _show(pstats.Stats(str(found)), requests)


def _drive(gateway: Gateway, kind: str, requests: int) -> None:
    rounds.prepare(gateway)
    os.kill(gateway.pid, signal.SIGUSR1)
    case = gateway.cases[kind]
    if kind == "stream":
        uvloop.run(once_each(gateway.port, case, asks.fresh, connections=requests, mark=b"word 00"))
    else:
        numbers = itertools.repeat(asks.SAME) if kind in rounds.HITS else asks.fresh
        exactly = itertools.islice(numbers, requests)
        uvloop.run(for_seconds(gateway.port, case, exactly, connections=rounds.CONNECTIONS, seconds=600))
    os.kill(gateway.pid, signal.SIGUSR2)


def _by_part(told: Told) -> dict[str, float]:
    """Own seconds; what is written in C belongs to whoever called it."""
    found: dict[str, float] = defaultdict(float)
    for (path, _, _), (_, _, own, _, callers) in told.items():
        if path == "~":
            for (caller, _, _), (_, _, owed, _) in callers.items():
                found[_part(caller)] += owed
        else:
            found[_part(path)] += own
    return found


def _part(path: str) -> str:
    name = _module(path)
    return next((part for part, beginnings in PARTS.items() if name.startswith(beginnings)), THE_REST)


def _module(path: str) -> str:
    for root in ("site-packages/", f"{ROOT}/", f"/python{sys.version_info.major}.{sys.version_info.minor}/"):
        path = path.rpartition(root)[2]
    return path


def _wait_for(path: Path) -> None:
    until = time.monotonic() + 20
    while not path.exists() and time.monotonic() < until:
        time.sleep(0.1)


def _show(stats: pstats.Stats, requests: int) -> None:
    told: Told = stats.stats  # type: ignore[attr-defined]
    parts = _by_part(told)
    for part, share in sorted(parts.items(), key=lambda row: -row[1]):
        sys.stdout.write(f"{share / sum(parts.values()):6.1%}  {part}\n")
    calls = sum(count for _, count, *_ in told.values())
    sys.stdout.write(f"{calls / requests:.0f} calls a request\n   own µs     all µs   calls\n")
    for (path, line, name), (_, count, own, whole, _) in sorted(told.items(), key=lambda row: -row[1][2])[
        :LINES
    ]:
        where = f"{_module(path)}:{line} {name}"
        figures = f"{own / requests * 1e6:9.1f} {whole / requests * 1e6:10.1f} {count / requests:7.1f}"
        sys.stdout.write(f"{figures}  {where}\n")


def serve(path: str) -> None:
    """The gateway itself: SIGUSR1 begins, SIGUSR2 ends and writes."""
    profile = cProfile.Profile(time.thread_time)

    def write(*_: object) -> None:
        profile.disable()
        profile.dump_stats(f"{path}.new")
        os.replace(f"{path}.new", path)

    signal.signal(signal.SIGUSR1, lambda *_: profile.enable())
    signal.signal(signal.SIGUSR2, write)
    from llmgateway import serve as server  # whose settings are read when it is imported

    server.main()


if __name__ == "__main__":
    if sys.argv[1] == SERVE:
        path, sys.argv[1:] = sys.argv[2], sys.argv[3:]
        serve(path)
    else:
        main(sys.argv[1], int((sys.argv[2:] or ["1000"])[0]))
