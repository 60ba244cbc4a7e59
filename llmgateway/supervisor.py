"""Keeps children alive while we run: whoever ends unasked is named and started again.

Where one does not stay up, a part that everything stands on ends the run; any other is tried for ever.
"""

import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass

from llmgateway.processes import Child, ProcessFailed

LOOK_EVERY = 0.25
"""Seconds."""
STEADY = 60.0
"""Seconds that a child must have run for its earlier failures to be forgotten."""
REMIND_EVERY = 600.0
"""Seconds between two words about a child that still does not stay up."""


@dataclass
class _Watched:
    child: Child
    started: float
    vital: bool
    failures: int = 0
    due: float | None = None
    """When it is to be started again."""
    told: float = 0.0
    """When we last said that it ended."""


class Supervisor:
    """Its children stop in the reverse order of their start.

    `backoff`: seconds before each new try of a child that ended. After the last there is none for a vital
    one; others are tried on at the last pause.
    """

    def __init__(self, *, backoff: Sequence[float] = (0.5, 1.0, 2.0, 4.0, 8.0)) -> None:
        self._backoff = backoff
        self._watched: list[_Watched] = []

    def launch(self, child: Child, *, vital: bool = True) -> None:
        """Starts the child without waiting for it. Raises `ProcessFailed`.

        `vital`: whether the run ends where it does not stay up.
        """
        self._watched.append(_Watched(child, started=time.monotonic(), vital=vital))
        child.launch()

    def watch(self) -> None:
        """Runs until interrupted. Raises `ProcessFailed` for a vital child that does not stay up."""
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
                _relaunch(watched)
        elif not child.running:
            watched.failures = 1 if now - watched.started > STEADY else watched.failures + 1
            if watched.vital and watched.failures > len(self._backoff):
                raise ProcessFailed(f"{child.name} does not stay up: it ended with code {child.exit_code}")
            delay = self._backoff[min(watched.failures, len(self._backoff)) - 1]
            self._tell(watched, delay=delay, now=now)
            child.kill()  # its own children, where it left any
            watched.due = now + delay

    def _tell(self, watched: _Watched, *, delay: float, now: float) -> None:
        """Of each end at first, then once in a while."""
        known = watched.failures - len(self._backoff)
        if known > 1 and now - watched.told < REMIND_EVERY:
            return
        watched.told = now
        again = f"does not stay up; again every {delay:g} s" if known > 0 else f"again in {delay:g} s"
        child = watched.child
        sys.stderr.write(f"llmgateway: {child.name} ended with code {child.exit_code}; {again}\n")


def _relaunch(watched: _Watched) -> None:
    """One that is not vital and cannot even be started counts as one that ended."""
    try:
        watched.child.launch()
    except ProcessFailed as error:
        if watched.vital:
            raise
        sys.stderr.write(f"llmgateway: {error}\n")
