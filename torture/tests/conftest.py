"""One system for the short form of the table."""

from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import pytest

from torture.rows import Figures, Scenario
from torture.system import System

Play = Callable[..., Awaitable[Figures]]


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    running = System(tmp_path_factory.mktemp("torture"), chunk_delay=0.02)
    running.start()
    yield running
    running.stop()


@pytest.fixture
def play(system: System) -> Play:
    """`await play(scenario, requests=100)`: the scenario with small sizes."""

    async def played(run: Callable[..., Awaitable[Figures]], **sizes: Any) -> Figures:
        return await Scenario(run, sizes).play(system)

    return played
