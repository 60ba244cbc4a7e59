"""What a killed run left behind: notes on disk of who was started, and a way to stop them afterwards."""

import json
import os
import signal
import time
from contextlib import suppress
from pathlib import Path

import psutil

CLOCK_SLACK = 2.0
"""Seconds by which a process's recorded start may differ: the clock behind it is corrected now and then."""


def note(record: Path, *, pid: int, name: str, stop_signal: int, grace: float) -> None:
    """Writes down a running process; `grace` in seconds between its stop signal and SIGKILL."""
    facts = {
        "pid": pid,
        "created": psutil.Process(pid).create_time(),
        "name": name,
        "stop_signal": int(stop_signal),
        "grace": grace,
    }
    record.parent.mkdir(parents=True, exist_ok=True)
    record.write_text(json.dumps(facts))


def stop(record: Path) -> str | None:
    """Stops the process that `record` names, if that very process still runs; gives its name then.

    A process that only has the same number is left alone.
    """
    stopped = None
    with suppress(OSError, ValueError, KeyError, TypeError, psutil.NoSuchProcess):
        facts = json.loads(record.read_text())
        process = psutil.Process(facts["pid"])
        if abs(process.create_time() - facts["created"]) < CLOCK_SLACK and not _is_gone(process):
            stopped = str(facts["name"])
            process.send_signal(facts["stop_signal"])
            _wait_or_kill(process, grace=facts["grace"])
    record.unlink(missing_ok=True)
    return stopped


def _wait_or_kill(process: psutil.Process, *, grace: float) -> None:
    deadline = time.monotonic() + grace
    while not _is_gone(process):
        if time.monotonic() > deadline:
            os.killpg(process.pid, signal.SIGKILL)
            return
        time.sleep(0.02)


def _is_gone(process: psutil.Process) -> bool:
    """A zombie is gone as well: it only waits for whoever inherited it."""
    return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE
