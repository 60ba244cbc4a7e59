"""What was measured on what: cores, versions, commit; and how processes are kept to their cores."""

import os
import platform
import shutil
import subprocess
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from typing import Any

import psutil

OURS = ("django", "uvicorn", "uvloop", "redis", "hiredis", "msgspec", "aiohttp", "channels")


def cores() -> tuple[int, int]:
    """(the one for everything else, the one for the gateway that is measured); alike where there is one."""
    usable = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else [0]
    return usable[0], usable[-1]


def keep_to(core: int) -> None:
    """This process and what it starts from now on. Nothing where the system cannot."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {core})


def on_core(command: Sequence[Any], *cores: int) -> list[Any]:
    chosen = ",".join(map(str, cores))
    return ["taskset", "-c", chosen, *command] if shutil.which("taskset") else list(command)


def cpu_seconds(pid: int) -> float:
    """Of the process and its children, until now."""
    process = psutil.Process(pid)
    times = [each.cpu_times() for each in (process, *process.children(recursive=True))]
    return float(sum(each.user + each.system for each in times))


def resident_bytes(pid: int) -> int:
    process = psutil.Process(pid)
    return sum(each.memory_info().rss for each in (process, *process.children(recursive=True)))


def description() -> dict[str, Any]:
    return {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "commit": _git("rev-parse", "--short", "HEAD") + ("+" if _git("status", "--porcelain") else ""),
        "machine": f"{_processor()}, {os.cpu_count()} cores, {psutil.virtual_memory().total >> 30} GB",
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "versions": {name: version(name) for name in OURS},
        "load at the start": round(os.getloadavg()[0], 2),
    }


def _processor() -> str:
    try:
        with open("/proc/cpuinfo") as lines:
            return next(line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()


def _git(*command: str) -> str:
    return subprocess.run(["git", *command], capture_output=True, text=True, check=False).stdout.strip()
