"""The shape of the table: rows of faults, and the scenarios that show what holds."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from torture.system import System
from torture.vitals import tracebacks

Figures = Mapping[str, object]
"""What a scenario measured, by name."""


@dataclass(frozen=True, slots=True)
class Scenario:
    """A function that arranges, breaks and looks; raises `AssertionError` where the promise fails."""

    run: Callable[..., Awaitable[Figures]]
    """Takes the system and `sizes`; the first line of its docstring is the promise."""
    sizes: Mapping[str, Any] = field(default_factory=dict)

    async def play(self, system: System) -> Figures:
        """Raises `AssertionError` too where the log tells of something that nobody foresaw."""
        before = tracebacks(system)
        figures = await self.run(system, **self.sizes)
        new = tracebacks(system) - before
        assert not new, f"{new} tracebacks are in the log"
        return figures

    @property
    def name(self) -> str:
        return self.run.__name__

    @property
    def promise(self) -> str:
        return (self.run.__doc__ or "").strip().splitlines()[0]


@dataclass(frozen=True, slots=True)
class Row:
    """Scenarios that one system goes through, one after the other."""

    scenarios: tuple[Scenario, ...]
    environment: Mapping[str, str] = field(default_factory=dict)
    chunk_delay: float = 0.02
    """Seconds between two chunks of the simulator."""
    bound: float = 240.0
    """Seconds for one scenario."""
