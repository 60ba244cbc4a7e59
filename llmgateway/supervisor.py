"""Keeps children alive while we run: whoever ends unasked is named and started again, up to a point."""

import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass

from llmgateway.processes import Child, ProcessFailed

LOOK_EVERY = 0.25
"""Seconds."""
STEADY = 60.0
"""Seconds that a child must have run for its earlier failures to be forgotten."""


@dataclass
class _Watched:
    child: Child
    started: float
    failures: int = 0
    due: float | None = None
    """When it is to be started again."""


class Supervisor:
    """Its children stop in the reverse order of their start.

    `backoff`: seconds before each new try of a child that ended; there is none after the last.
    """

    def __init__(self, *, backoff: Sequence[float] = (0.5, 1.0, 2.0, 4.0, 8.0)) -> None:
        self._backoff = backoff
        self._watched: list[_Watched] = []

    def launch(self, child: Child) -> None:
        """Starts the child without waiting for it. Raises `ProcessFailed`."""
        self._watched.append(_Watched(child, started=time.monotonic()))
        child.launch()

    def watch(self) -> None:
        """Runs until interrupted. Raises `ProcessFailed` for a child that does not stay up."""
        while True:
            time.sleep(LOOK_EVERY)
            self.look(now=time.monotonic())

    def look(self, *, now: float) -> None:
        """Looks once at every child. `now` in seconds of the monotonic clock; raises as `watch` does."""
        for watched in self._watched:
            self._look_after(watched, now=now)

    def stop(self) -> None:
        """Stops every child; an interrupt in the meantime kills what still runs."""
        children = [watched.child for watched in reversed(self._watched)]
        try:
            for child in children:
                child.stop()
        except KeyboardInterrupt:
            for child in children:
                child.kill()

    def _look_after(self, watched: _Watched, *, now: float) -> None:
        child = watched.child
        if watched.due is not None:
            if now >= watched.due:
                watched.started, watched.due = now, None
                child.launch()
        elif not child.running:
            watched.failures = 1 if now - watched.started > STEADY else watched.failures + 1
            if watched.failures > len(self._backoff):
                raise ProcessFailed(f"{child.name} does not stay up: it ended with code {child.exit_code}")
            delay = self._backoff[watched.failures - 1]
            sys.stderr.write(
                f"llmgateway: {child.name} ended with code {child.exit_code}; again in {delay:g} s\n"
            )
            child.kill()  # its own children, where it left any
            watched.due = now + delay
