"""Which purges a call's cache key counts."""

from collections.abc import Mapping

Purged = tuple[str, str]
"""Kind and name."""


def purges_of(
    counts: Mapping[Purged, int] | None, *, project: str, prompt: str | None, model: str
) -> tuple[int, ...]:
    """How often the call's project, prompt and model were purged. None: nobody knows yet, as if never."""
    if not counts:
        return (0, 0, 0)
    parts = (("project", project), ("prompt", prompt or ""), ("model", model))
    return tuple(counts.get(part, 0) for part in parts)
