"""Leaves a dependency alone for a while after it failed."""

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(slots=True, kw_only=True)
class Breaker:
    """Closed until a failure, then open for `pause` seconds; after that one probe at a time decides."""

    clock: Callable[[], float]
    pause: float = 1.0
    _open_until: float = 0.0
    _is_open: bool = False

    def allows(self) -> bool:
        if not self._is_open:
            return True
        now = self.clock()
        if now < self._open_until:
            return False
        # This caller is the probe; the others go on waiting until it has come back.
        self._open_until = now + self.pause
        return True

    def failed(self) -> bool:
        """Opens. True where this failure is the one that opened it."""
        was_open, self._is_open = self._is_open, True
        self._open_until = self.clock() + self.pause
        return not was_open

    def succeeded(self) -> None:
        self._is_open = False
