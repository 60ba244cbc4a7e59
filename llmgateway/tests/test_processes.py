"""A child is started, awaited and stopped in one way, and leaves nothing behind."""

import os
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from llmgateway.processes import Child, ProcessFailed

SLEEP = "import time; print('ready', flush=True); time.sleep(60)"
IGNORE_TERM = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); " + SLEEP
WITH_A_CHILD = f"import subprocess, sys; subprocess.Popen([sys.executable, '-c', {IGNORE_TERM!r}]); {SLEEP}"


class Python:
    """Makes children that run a line of Python and log into a folder of the test's own."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.made: list[Child] = []

    def __call__(self, code: str, *, grace: float = 5.0, ready_within: float = 5.0) -> Child:
        child = Child(
            "sleeper",
            [sys.executable, "-c", code],
            log=self.directory / "log",
            grace=grace,
            ready_within=ready_within,
        )
        child.ready = lambda: "ready" in child.output()
        self.made.append(child)
        return child


@pytest.fixture
def python(tmp_path: Path) -> Iterator[Python]:
    factory = Python(tmp_path)
    yield factory
    for child in factory.made:
        child.kill()


def test_starting_waits_until_the_child_is_ready(python: Python) -> None:
    child = python("import time; time.sleep(0.2); " + SLEEP)
    child.start()
    assert child.running
    assert child.output() == "ready\n"


def test_a_child_that_ends_at_its_start_is_shown_with_its_last_words(python: Python) -> None:
    with pytest.raises(ProcessFailed, match=r"sleeper ended with code 3 at its start\n  no such luck"):
        python("import sys; print('no such luck', flush=True); sys.exit(3)").start()


def test_a_child_that_never_gets_ready_is_stopped(python: Python) -> None:
    child = python("import time; time.sleep(60)", ready_within=0.3)
    with pytest.raises(ProcessFailed, match="was not ready in 0 s"):
        child.start()
    assert not child.running


def test_a_missing_program_is_named(tmp_path: Path) -> None:
    with pytest.raises(ProcessFailed, match="ghost cannot be started"):
        Child("ghost", [tmp_path / "nothing"]).start()


def test_output_is_that_of_the_last_start_only(python: Python) -> None:
    child = python("print('ready', flush=True)")
    child.start()
    child.wait(5)
    child.start()
    assert child.output() == "ready\n"


def test_stopping_asks_first(python: Python) -> None:
    child = python(SLEEP)
    child.start()
    child.stop()
    assert child.exit_code == -signal.SIGTERM


def test_stopping_kills_whoever_does_not_listen(python: Python) -> None:
    child = python(IGNORE_TERM, grace=0.2)
    child.start()
    child.stop()
    assert child.exit_code == -signal.SIGKILL


def test_stopping_leaves_no_grandchild(python: Python) -> None:
    child = python(WITH_A_CHILD)
    child.start()
    (grandchild,) = psutil.Process(child.pid).children()
    child.stop()
    assert _gone(grandchild)


def test_a_log_that_has_grown_too_long_is_put_aside(python: Python, monkeypatch: pytest.MonkeyPatch) -> None:
    child = python(SLEEP)
    with open(python.directory / "log", "wb") as log:
        log.truncate(11 * 1024 * 1024)
    child.start()
    assert (python.directory / "log").stat().st_size <= len("ready\n")


@pytest.mark.skipif(sys.platform != "linux", reason="a service of Linux")
def test_a_child_goes_when_its_parent_is_killed(tmp_path: Path) -> None:
    parent = Child(
        "parent",
        [
            *(sys.executable, "-c"),
            "import sys, time; from llmgateway.processes import Child;"
            f"child = Child('child', [sys.executable, '-c', {SLEEP!r}]); child.launch();"
            "print(child.pid, flush=True); time.sleep(60)",
        ],
        log=tmp_path / "log",
    )
    parent.ready = lambda: parent.output().endswith("ready\n")
    parent.start()
    child = psutil.Process(int(parent.output().split()[0]))
    os.kill(parent.pid or 0, signal.SIGKILL)
    parent.kill()
    assert _gone(child)


def _gone(process: psutil.Process, *, within: float = 5.0) -> bool:
    deadline = time.monotonic() + within
    while time.monotonic() < deadline:
        if not process.is_running() or process.status() == psutil.STATUS_ZOMBIE:
            return True
        time.sleep(0.02)
    return False
