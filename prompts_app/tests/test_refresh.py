import asyncio
import threading
import time
from collections.abc import AsyncIterator

import pytest
from django.db import OperationalError
from psycopg_pool import PoolTimeout

from prompts_app.database import Reasons
from prompts_app.refresh import Refreshed, in_thread
from prompts_app.tests.conftest import eventually


class Source:
    """What a database would say."""

    def __init__(self) -> None:
        self.revision = 1
        self.fault: Exception | None = None
        self.open = threading.Event()
        self.open.set()
        self.running = self.most_at_once = self.loads = 0

    def read_revision(self) -> int:
        self.running += 1
        self.most_at_once = max(self.most_at_once, self.running)
        self.open.wait(5)
        self.running -= 1
        if self.fault:
            raise self.fault
        return self.revision

    def load(self) -> str:
        self.loads += 1
        return f"value {self.revision}"


@pytest.fixture
def source() -> Source:
    return Source()


@pytest.fixture
async def refreshed(source: Source) -> AsyncIterator[Refreshed[str]]:
    refreshed = Refreshed(load=source.load, revision=source.read_revision, interval=0.01, patience=0.1)
    yield refreshed
    source.open.set()
    await refreshed.stop()


async def test_the_value_is_there_after_start(refreshed: Refreshed[str]) -> None:
    assert refreshed.value is None
    await refreshed.start()
    assert (refreshed.value, refreshed.state.revision, refreshed.state.error) == ("value 1", 1, None)


async def test_a_new_revision_brings_a_new_value(refreshed: Refreshed[str], source: Source) -> None:
    await refreshed.start()
    source.revision = 2
    await eventually(lambda: refreshed.value == "value 2")


async def test_the_same_revision_is_loaded_once(refreshed: Refreshed[str], source: Source) -> None:
    await refreshed.start()
    await asyncio.sleep(0.1)
    assert source.loads == 1


async def test_an_absent_database_leaves_the_last_value_and_says_why(
    refreshed: Refreshed[str], source: Source
) -> None:
    await refreshed.start()
    source.fault = OSError("gone")
    await eventually(lambda: refreshed.state.error == "OSError: gone")
    assert refreshed.value == "value 1"


async def test_a_start_without_a_database_recovers_by_itself(
    refreshed: Refreshed[str], source: Source
) -> None:
    source.fault = OSError("gone")
    await refreshed.start()
    assert (refreshed.value, refreshed.state.error, refreshed.state.age) == (None, "OSError: gone", None)
    source.fault = None
    await eventually(lambda: refreshed.value == "value 1" and refreshed.state.error is None)


async def test_a_hanging_database_is_reported_and_never_asked_twice_at_once(
    refreshed: Refreshed[str], source: Source
) -> None:
    await refreshed.start()
    source.open.clear()
    await eventually(lambda: refreshed.state.error == "no answer in 0.1 s")
    await asyncio.sleep(0.1)
    assert source.most_at_once == 1
    source.open.set()
    await eventually(lambda: refreshed.state.error is None)


async def test_stopping_does_not_wait_for_a_hanging_database(
    refreshed: Refreshed[str], source: Source
) -> None:
    await refreshed.start()
    source.open.clear()
    await eventually(lambda: source.running == 1)
    started = time.monotonic()
    await refreshed.stop()
    assert time.monotonic() - started < 2


async def test_the_age_counts_from_the_last_confirmation(source: Source) -> None:
    now = [100.0]
    refreshed = Refreshed(load=source.load, revision=source.read_revision, clock=lambda: now[0])
    refreshed.refresh()
    now[0] = 106.5
    assert (refreshed.state.age, refreshed.state.loaded_at) == (6.5, 100.0)


async def test_a_thread_hands_over_what_is_raised() -> None:
    with pytest.raises(ZeroDivisionError):
        await in_thread(lambda: 1 // 0, name="doomed")


async def test_where_no_thread_can_be_started_for_a_while_it_goes_on_afterwards(
    refreshed: Refreshed[str], source: Source, monkeypatch: pytest.MonkeyPatch
) -> None:
    await refreshed.start()

    def refuse(thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", refuse)
    await eventually(lambda: "can't start new thread" in (refreshed.state.error or ""))
    monkeypatch.undo()
    source.revision = 2
    await eventually(lambda: refreshed.value == "value 2")


def test_why_postgres_takes_no_connection_is_told_without_any_name() -> None:
    waited = OperationalError("couldn't get a connection")
    waited.__cause__ = PoolTimeout()
    reasons = Reasons(ask=lambda: "failed to resolve host 'db.internal': Name or service not known")
    assert reasons.told(waited).endswith("failed to resolve host …: Name or service not known")
