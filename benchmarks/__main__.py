"""`make bench`: everything started, measured in rounds, stopped, and written down.

PEERS=litellm,portkey   whom to compare with; empty: us and the floor alone
ROWS=hit,miss,...       which rows; those of USUAL without it, and PROOF=1 adds the long ones
ROUNDS=5 SECONDS=1.5    how often, and how long each measurement takes
"""

import os
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path

from benchmarks import gateways, machine, peers, proofs, report, rounds, socket_load
from benchmarks.figures import Figures
from benchmarks.gateways import Gateway, Ours
from benchmarks.house import House, house
from llmgateway.env import ROOT

COMPARED = ("hit", "miss", "latency", "streams")
ALONE = ("sockets", "cold")
LONG = ("workers", "prompts", "ledger", "memory")
WORK = ROOT / "var" / "bench"


def main() -> None:
    rows = chosen_rows()
    names = [name for name in os.environ.get("PEERS", "").split(",") if name]
    if unknown := set(names) - peers.PEERS.keys():
        sys.exit(f"bench: PEERS takes {', '.join(peers.PEERS)}, not {', '.join(sorted(unknown))}")
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    WORK.mkdir(parents=True, exist_ok=True)
    for name in names:
        say(f"installing {name}, once, into {WORK / name}")
        peers.install(name, WORK)
    began, about, figures = time.monotonic(), machine.description(), Figures()
    rest, core = machine.cores()
    machine.keep_to(rest)
    with _folder() as folder, house(folder, gateway_core=core) as place, gateways.ours(place) as ours:
        compare(rows, names, place, ours, figures)
        alone(rows, ours, figures)
    about["seconds"] = round(time.monotonic() - began)
    about["peers"] = {name: getattr(peers, name.upper()) for name in names}
    report.write(figures, about)


def chosen_rows() -> set[str]:
    given = [row for row in os.environ.get("ROWS", "").split(",") if row]
    rows = set(given or (*COMPARED, *ALONE, *(LONG if os.environ.get("PROOF") else ())))
    if unknown := rows - {*COMPARED, *ALONE, *LONG}:
        known = ", ".join((*COMPARED, *ALONE, *LONG))
        sys.exit(f"bench: ROWS takes {known}, not {', '.join(sorted(unknown))}")
    return rows


def compare(rows: set[str], names: list[str], place: House, ours: Ours, figures: Figures) -> None:
    if not rows & {*COMPARED, "sockets"}:
        return
    with ExitStack() as undo:
        compared: list[Gateway] = [undo.enter_context(ours.serving())]
        if rows & {*COMPARED}:
            compared.append(undo.enter_context(gateways.floor(place)))
            compared += [undo.enter_context(peers.PEERS[name](place, WORK)) for name in names]
        for gateway in compared:
            rounds.prepare(gateway)
        if "sockets" in rows:
            # First: what the allocator keeps of later load would hide what sockets cost.
            socket_load.measure(compared[0], ours.key, figures=figures)
            say("sockets")
        if rows & {*COMPARED}:
            for line in rounds.run(
                place, compared, rows, rounds=_rounds(), seconds=_seconds(), figures=figures
            ):
                say(line)


def alone(rows: set[str], ours: Ours, figures: Figures) -> None:
    if "cold" in rows:
        proofs.cold_start(ours, figures=figures)
    if "workers" in rows:
        proofs.two_workers(ours, seconds=_seconds(), figures=figures)
    growing = {"prompts": proofs.many_prompts, "ledger": proofs.many_calls}
    for name, grow in growing.items():
        if name in rows:
            say(f"{name}: measured, grown, and measured again")
            proofs.grown(
                ours, name, partial(grow, ours), count=_rounds(), seconds=_seconds(), figures=figures
            )
    if "memory" in rows:
        proofs.memory(ours, say=say, figures=figures)


def _rounds() -> int:
    return int(os.environ.get("ROUNDS", "5"))


def _seconds() -> float:
    return float(os.environ.get("SECONDS", "1.5"))


@contextmanager
def _folder() -> Iterator[Path]:
    """For this run alone. Postgres, as a user of its own, must be able to look into it."""
    folder = Path(tempfile.mkdtemp(prefix="run-", dir=WORK))
    folder.chmod(0o755)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def say(line: str) -> None:
    print(f"{time.strftime('%H:%M:%S')}  {line}", flush=True)


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit(130)
