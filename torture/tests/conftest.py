"""One system for the short form of the table."""

import tempfile
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from torture.rows import Figures, Scenario
from torture.system import System

Play = Callable[..., Awaitable[Figures]]


@pytest.fixture(scope="module")
def system() -> Iterator[System]:
    # Not under pytest's own folder, which each run closes to others: Postgres has a user of its own.
    with tempfile.TemporaryDirectory(prefix="torture-") as directory:
        running = System(Path(directory))
        running.start()
        yield running
        running.stop()


@pytest.fixture
def play(system: System) -> Play:
    """`await play(scenario, requests=100)`: the scenario with small sizes."""

    async def played(run: Callable[..., Awaitable[Figures]], **sizes: Any) -> Figures:
        return await Scenario(run, sizes).play(system)

    return played
