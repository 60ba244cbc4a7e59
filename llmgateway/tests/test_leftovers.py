"""What a killed run left behind is found and stopped, and nothing else is."""

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from signal import SIGTERM

import pytest

from llmgateway import leftovers
from llmgateway.processes import Child

SLEEP = "import time; print('up', flush=True); time.sleep(60)"


@pytest.fixture
def record(tmp_path: Path) -> Path:
    return tmp_path / "run" / "sleeper.json"


@pytest.fixture
def sleeper(tmp_path: Path, record: Path) -> Iterator[Child]:
    """A process that has been written down."""
    child = Child("sleeper", [sys.executable, "-c", SLEEP], log=tmp_path / "log", record=record)
    child.ready = lambda: "up" in child.output()
    child.start()
    yield child
    child.kill()


def test_it_is_found_by_its_record_and_stopped(sleeper: Child, record: Path) -> None:
    assert leftovers.stop(record) == "sleeper"
    assert not sleeper.running
    assert not record.exists()


def test_it_is_killed_where_it_does_not_listen(tmp_path: Path, record: Path) -> None:
    deaf = f"import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); {SLEEP}"
    child = Child("deaf", [sys.executable, "-c", deaf], log=tmp_path / "log", record=record, grace=0.2)
    child.ready = lambda: "up" in child.output()
    child.start()
    assert leftovers.stop(record) == "deaf"
    assert child.wait(5) == -9


def test_a_process_that_only_has_the_same_number_is_left_alone(sleeper: Child, record: Path) -> None:
    facts = json.loads(record.read_text())
    record.write_text(json.dumps({**facts, "created": time.time() - 3600}))
    assert leftovers.stop(record) is None
    assert sleeper.running


def test_one_that_has_ended_needs_nothing(record: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        leftovers.note(record, pid=process.pid, name="brief", stop_signal=SIGTERM, grace=5)
    assert leftovers.stop(record) is None


@pytest.mark.parametrize("text", ["", "{}", "[1]", '{"pid": "x", "created": 1}'])
def test_a_broken_record_is_removed(record: Path, text: str) -> None:
    record.parent.mkdir()
    record.write_text(text)
    assert leftovers.stop(record) is None
    assert not record.exists()
