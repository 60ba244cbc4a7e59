"""Where a request's time goes, function by function: `python -m benchmarks.profiling KIND [REQUESTS]`.

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
SERVE = "--serve"


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


def _wait_for(path: Path) -> None:
    until = time.monotonic() + 20
    while not path.exists() and time.monotonic() < until:
        time.sleep(0.1)


def _show(stats: pstats.Stats, requests: int) -> None:
    told: dict[tuple[str, int, str], tuple[int, int, float, float, object]] = stats.stats  # type: ignore[attr-defined]
    calls = sum(count for _, count, *_ in told.values())
    sys.stdout.write(f"{calls / requests:.0f} calls a request\n   own µs     all µs   calls\n")
    for (path, line, name), (_, count, own, whole, _) in sorted(told.items(), key=lambda row: -row[1][2])[
        :LINES
    ]:
        where = f"{path.rpartition('site-packages/')[2].removeprefix(f'{ROOT}/')}:{line} {name}"
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
