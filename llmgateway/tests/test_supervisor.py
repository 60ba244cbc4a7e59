"""Whoever ends unasked is started again, up to a point, and everything stops in order."""

import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from signal import SIGINT

import psutil
import pytest

from llmgateway.processes import Child, ProcessFailed
from llmgateway.supervisor import Supervisor

SLEEP = "import time; print('up', flush=True); time.sleep(60)"


@pytest.fixture
def supervisor() -> Iterator[Supervisor]:
    one = Supervisor(backoff=(1.0, 2.0))
    yield one
    one.stop()


@pytest.fixture
def python(tmp_path: Path) -> Callable[..., Child]:
    def make(code: str, *, name: str = "part") -> Child:
        child = Child(name, [sys.executable, "-c", code], log=tmp_path / "log")
        child.ready = lambda: "up" in child.output()
        return child

    return make


def test_a_child_that_ends_is_named_and_started_again_after_a_pause(
    supervisor: Supervisor, python: Callable[..., Child], capfd: pytest.CaptureFixture[str]
) -> None:
    child, now = python(SLEEP), time.monotonic()
    supervisor.launch(child)
    child.kill()
    supervisor.look(now=now)
    assert "part ended with code -9; again in 1 s" in capfd.readouterr().err
    supervisor.look(now=now + 0.9)
    assert not child.running
    supervisor.look(now=now + 1.1)
    assert child.running


def test_a_child_that_does_not_stay_up_ends_the_run(
    supervisor: Supervisor, python: Callable[..., Child]
) -> None:
    child, now = python(SLEEP), time.monotonic()
    supervisor.launch(child)
    for pause in (1.0, 2.0):
        child.kill()
        supervisor.look(now=now)
        now += pause
        supervisor.look(now=now)
        assert child.running
    child.kill()
    with pytest.raises(ProcessFailed, match="part does not stay up: it ended with code -9"):
        supervisor.look(now=now)


def test_a_child_that_nothing_stands_on_is_tried_for_ever_and_named_once_in_a_while(
    supervisor: Supervisor, python: Callable[..., Child], capfd: pytest.CaptureFixture[str]
) -> None:
    child, now = python(SLEEP), time.monotonic()
    supervisor.launch(child, vital=False)
    for _ in range(400):
        child.kill()
        supervisor.look(now=now)
        now += 2.0
        supervisor.look(now=now)
        assert child.running
    lines = capfd.readouterr().err.splitlines()
    assert lines[1] == "llmgateway: part ended with code -9; again in 2 s"
    assert lines[2:] == ["llmgateway: part ended with code -9; does not stay up; again every 2 s"] * 2


def test_a_child_that_nothing_stands_on_and_that_cannot_be_started_is_tried_on(
    supervisor: Supervisor, python: Callable[..., Child]
) -> None:
    child, now = python(SLEEP), time.monotonic()
    supervisor.launch(child, vital=False)
    child.kill()
    command, child.command = child.command, ["/nowhere"]
    for _ in range(5):
        supervisor.look(now=now)
        now += 2.0
        supervisor.look(now=now)
    child.command = command
    supervisor.look(now=now)
    supervisor.look(now=now + 2.0)
    assert child.running


def test_a_child_that_was_steady_is_forgiven(supervisor: Supervisor, python: Callable[..., Child]) -> None:
    child, now = python(SLEEP), time.monotonic()
    supervisor.launch(child)
    for _ in range(5):
        child.kill()
        now += 3600
        supervisor.look(now=now)
        supervisor.look(now=now + 1)
        assert child.running


def test_the_last_started_stops_first(
    supervisor: Supervisor, python: Callable[..., Child], tmp_path: Path
) -> None:
    for name in ("first", "second"):
        last_words = f"import signal; signal.signal(15, lambda *_: (print({name!r}, flush=True), exit()));"
        child = python(last_words + SLEEP, name=name)
        supervisor.launch(child)
        child.wait_ready()
    supervisor.stop()
    assert (tmp_path / "log").read_text().split() == ["up", "up", "second", "first"]


def test_a_second_interrupt_kills_what_does_not_stop(python: Callable[..., Child]) -> None:
    deaf = f"import signal; signal.signal(15, signal.SIG_IGN); {SLEEP}"
    parent = python(
        f"""
import sys
from llmgateway.processes import Child
from llmgateway.supervisor import Supervisor
supervisor = Supervisor()
supervisor.launch(Child("deaf", [sys.executable, "-c", {deaf!r}]))
try:
    supervisor.watch()
except KeyboardInterrupt:
    print("stopping", flush=True)
    supervisor.stop()
"""
    )
    parent.start()
    process = psutil.Process(parent.pid)
    process.send_signal(SIGINT)
    parent.ready = lambda: "stopping" in parent.output()
    parent.wait_ready()
    process.send_signal(SIGINT)
    assert parent.wait(timeout=5) == 0
