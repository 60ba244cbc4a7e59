"""`python -m torture [ROW ...]`: runs rows of the table and says what held; ends with 1 if one did not."""

import argparse
import asyncio
import random
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

import uvloop

from torture.report import Result, line, write
from torture.rows import Row, Scenario
from torture.system import System
from torture.table import rows

RESULTS = Path(__file__).parent / "results"
TOTAL = 20 * 60.0
"""Seconds for all rows; what is asked for beyond the usual comes on top."""
SOAK, TRACING = 90.0, 30.0
"""Seconds, unless said otherwise."""


def main() -> None:
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("torture: stopped"))  # what was started is stopped too
    chosen = _options()
    table = rows(soak_seconds=chosen.soak, tracing_seconds=chosen.tracing)
    if unknown := set(chosen.rows) - set(table):
        sys.exit(f"torture: no such row: {', '.join(sorted(unknown))}; there are {', '.join(table)}")
    random.seed(chosen.seed)
    extra = max(0.0, chosen.soak - SOAK) + 3 * max(0.0, chosen.tracing - TRACING)
    until = time.monotonic() + TOTAL + extra
    results: list[Result] = []
    try:
        for name in chosen.rows or table:
            results += _row(name, table[name], until=until)
    finally:
        write(results, RESULTS, seed=chosen.seed)
    failed = [result for result in results if result.failure]
    print(f"{len(results) - len(failed)} held, {len(failed)} did not; see {RESULTS}", flush=True)
    sys.exit(1 if failed else 0)


def _options() -> argparse.Namespace:
    options = argparse.ArgumentParser(prog="python -m torture", description=__doc__)
    options.add_argument("rows", nargs="*", metavar="ROW", help="none means all")
    options.add_argument("--seed", type=int, default=8, help="of what is left to chance")
    options.add_argument("--soak", type=float, default=SOAK, help="seconds of mixed load")
    options.add_argument("--tracing", type=float, default=TRACING, help="seconds with dead hosts for traces")
    return options.parse_args()


def _row(name: str, row: Row, *, until: float) -> list[Result]:
    """Every scenario of the row on one system."""
    directory = Path(tempfile.mkdtemp(prefix="torture-"))
    system = System(directory, environment=row.environment, chunk_delay=row.chunk_delay)
    results = []
    try:
        system.start()
        for scenario in row.scenarios:
            result = _scenario(name, scenario, system, bound=min(row.bound, until - time.monotonic()))
            print(line(result), flush=True)
            results.append(result)
    finally:
        system.stop()
        if not any(result.failure for result in results):
            shutil.rmtree(directory, ignore_errors=True)
        else:
            print(f"     its logs: {directory}", flush=True)
    return results


def _scenario(row: str, scenario: Scenario, system: System, *, bound: float) -> Result:
    began = time.monotonic()
    failure: str | None = None
    figures: Mapping[str, object] = {}

    async def bounded() -> Mapping[str, object]:
        async with asyncio.timeout(max(1.0, bound)):
            return await scenario.play(system)

    try:
        figures = uvloop.run(bounded())
    except AssertionError as exc:
        failure = str(exc) or "does not hold"
    except Exception as exc:  # noqa: BLE001 - one scenario's trouble must not hide what the others say
        failure = f"{type(exc).__name__}: {exc}"
    return Result(
        name=f"{row}: {scenario.name}",
        promise=scenario.promise,
        seconds=time.monotonic() - began,
        figures=figures,
        failure=failure,
    )


if __name__ == "__main__":
    main()
