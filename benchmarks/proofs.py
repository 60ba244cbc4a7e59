"""The rows that are about us alone: cold start, workers, and whether anything slows down as it grows."""

import asyncio
import itertools
import time
from collections.abc import Callable
from pathlib import Path
from statistics import linear_regression

import yaml

from benchmarks import asks, rounds
from benchmarks.figures import Figures
from benchmarks.gateways import Gateway, Ours, floor, manage
from benchmarks.load import Measured, for_seconds
from benchmarks.machine import cores, resident_bytes

PROMPTS = 10_000
LEDGER_ROWS = 5_000_000
REQUESTS = 200_000
Say = Callable[[str], None]


def cold_start(ours: Ours, *, figures: Figures) -> None:
    """From the start of the process to the first answer of `/health`."""
    for _ in range(3):
        began = time.monotonic()
        with ours.serving():
            figures.add("ours", "cold start: s", time.monotonic() - began)


def two_workers(ours: Ours, *, seconds: float, figures: Figures) -> None:
    """Hits with one worker on one core, and with two on two: the load shares the cores, so CPU is told.

    Each worker has as many connections: with half of them it has less to do in a turn of its loop, which
    makes a request dearer with one worker too.
    """
    for count in (1, 2, 1, 2, 1, 2):
        chosen = cores() if count == 2 else (cores()[1],)
        measured = Figures()
        with ours.serving(workers=count, cores=chosen) as gateway:
            rounds.prepare(gateway)
            rounds.measure(
                ours.house,
                gateway,
                "hit",
                connections=count * rounds.CONNECTIONS,
                seconds=seconds,
                figures=measured,
            )
        for (_, figure), (value,) in measured.values.items():
            figures.add("ours", f"{count} workers, {figure}", value)


def grown(
    ours: Ours, what: str, grow: Callable[[], None], *, count: int, seconds: float, figures: Figures
) -> None:
    """Hits and misses before and after `grow`, the floor's with them: what slows both down is the machine."""
    for when in ("before", "after"):
        if when == "after":
            grow()
        with ours.serving() as gateway, floor(ours.house) as bare:
            for asked in (gateway, bare):
                rounds.prepare(asked)
            for _, kind, asked in itertools.product(range(count), ("hit", "miss"), (gateway, bare)):
                _measure(ours, asked, kind, note=f"{what}, {when}", seconds=seconds, figures=figures)


def _measure(ours: Ours, asked: Gateway, kind: str, *, note: str, seconds: float, figures: Figures) -> None:
    measured = Figures()
    rounds.measure(ours.house, asked, kind, connections=rounds.CONNECTIONS, seconds=seconds, figures=measured)
    for (name, figure), (value,) in measured.values.items():
        figures.add(name, f"{note}, {figure}", value)


def many_prompts(ours: Ours) -> None:
    """10,000 prompts with one version each, brought in from files as anybody would."""
    folder = ours.house.directory / "prompts"
    for number in range(PROMPTS):
        _write_prompt(folder, f"prompt-{number}")
    manage(ours.environment, "sync_prompts", str(folder))


def _write_prompt(folder: Path, name: str) -> None:
    version = {
        "name": name,
        "version": "v1",
        "system": "You use plain words.",
        "user": f"For {name}:\n\n{{{{text}}}}",
    }
    place = folder / name
    place.mkdir(parents=True)
    (place / "v1.yaml").write_text(yaml.safe_dump(version))


def many_calls(ours: Ours) -> None:
    manage(ours.environment, "synthesize_calls", str(LEDGER_ROWS), timeout=3600)


def memory(ours: Ours, *, say: Say, figures: Figures) -> None:
    """Resident bytes over 200,000 requests, every tenth a miss; the slope is of the second half."""
    with ours.serving() as gateway:
        rounds.prepare(gateway)
        done, seen = 0, []
        while done < REQUESTS:
            done += _some(gateway)
            seen.append((done, resident_bytes(gateway.pid) / 2**20))
            say(f"{done} requests, {seen[-1][1]:.0f} MB")
    half = seen[len(seen) // 2 :]
    slope = linear_regression([at for at, _ in half], [size for _, size in half]).slope
    figures.add("ours", "memory: MB at the end", seen[-1][1])
    figures.add("ours", "memory: kB per 1,000 requests", slope * 1024 * 1000)


def _some(gateway: Gateway) -> int:
    hit, miss = gateway.cases["hit"], gateway.cases["miss"]
    found: Measured = asyncio.run(
        for_seconds(
            gateway.port,
            lambda number: hit(asks.SAME) if number % 10 else miss(number),
            asks.fresh,
            connections=rounds.CONNECTIONS,
            seconds=5,
        )
    )
    return len(found.latencies)
