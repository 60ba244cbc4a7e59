"""Label values from outside, kept few: every new one is a series that Prometheus stores."""

from collections.abc import Iterable

OTHER = "other"


class BoundedNames:
    """The first `limit` names that proved to exist stand for themselves, all others for `other`."""

    def __init__(self, *, limit: int) -> None:
        self._limit = limit
        self._known: set[str] = set()

    def know(self, names: Iterable[str]) -> None:
        """Names that need no proof and have their place."""
        self._known.update(names)

    def label(self, name: str | None, *, proven: bool) -> str:
        """`proven`: the name is not just what a caller made up."""
        if name is None:
            return ""
        if name in self._known:
            return name
        if not proven or len(self._known) >= self._limit:
            return OTHER
        self._known.add(name)
        return name
