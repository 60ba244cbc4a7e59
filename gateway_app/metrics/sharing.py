"""How the workers of one server put their figures together: files in a directory of the server's own."""

import fcntl
import itertools
import multiprocessing
import os
import shutil
import tempfile
from pathlib import Path
from typing import IO

import structlog
from prometheus_client import values

log = structlog.get_logger()

DIRECTORY = "PROMETHEUS_MULTIPROC_DIR"
"""Where prometheus-client looks for the directory."""

_held: list[IO[str]] = []
"""Locks are held until the process ends, however it ends."""


def join() -> None:
    """Makes this process's figures part of its server's; to be called before any instrument is made.

    Without a place for files each worker tells of itself alone, which is logged.
    """
    try:
        slot = _take_slot(_base() / str(_server()))
    except OSError as exc:
        log.warning("metrics_not_shared", error=str(exc))
        return
    # prometheus-client's own hook for workers that are not to be told apart by their process ids.
    values.ValueClass = values.MultiProcessValue(lambda: slot)  # type: ignore[no-untyped-call]


def shared() -> str | None:
    """The directory of the server's figures; None where this process has joined none."""
    return os.environ.get(DIRECTORY) if _held else None


def _server() -> int:
    """The process that started the workers: uvicorn's supervisor, or this one."""
    parent = multiprocessing.parent_process()
    return parent.pid if parent and parent.pid else os.getpid()


def _base() -> Path:
    base = Path(tempfile.gettempdir()) / f"llmgateway-metrics-{os.getuid()}"
    base.mkdir(mode=0o700, exist_ok=True)
    if base.stat().st_uid != os.getuid():
        raise PermissionError(f"{base} is somebody else's")
    return base


def _take_slot(directory: Path) -> int:
    """The lowest number that no living worker holds; clears away what dead servers have left."""
    with (directory.parent / "lock").open("w") as turn:
        fcntl.flock(turn, fcntl.LOCK_EX)
        for other in directory.parent.iterdir():
            if other.is_dir() and other != directory and not _alive(other):
                shutil.rmtree(other)
        directory.mkdir(exist_ok=True)
        slot = next(slot for slot in itertools.count() if _hold(directory / f"{slot}.lock"))
    for gauge in directory.glob(f"gauge_*_{slot}.db"):
        gauge.unlink()  # what was true of the worker before us
    os.environ[DIRECTORY] = str(directory)
    return slot


def _hold(file: Path) -> bool:
    """Takes the lock for the rest of this process's life, unless another process has it."""
    lock = file.open("w")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        lock.close()
        return False
    _held.append(lock)
    return True


def _alive(directory: Path) -> bool:
    """Whether the server's process is there (its workers may be dead at this moment), or a worker."""
    return _runs(directory.name) or not all(_free(file) for file in directory.glob("*.lock"))


def _runs(process: str) -> bool:
    try:
        os.kill(int(process), 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _free(file: Path) -> bool:
    with file.open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
    return True
