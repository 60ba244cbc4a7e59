"""What a tracer is: something that takes records to a host, one batch at a time."""

from collections.abc import Sequence
from typing import Protocol

from gateway_app.tracing.records import Record

TIMEOUT = 5.0
"""Seconds that a host may take to connect, and to answer."""


class TracerAway(Exception):
    """The host cannot take the batch now; the same batch later may do."""


class TracerRefused(Exception):
    """The host will never take `records` of the batch: bad credentials, or bad records."""

    def __init__(self, reason: str, *, records: int) -> None:
        super().__init__(reason)
        self.records = records


class Tracer(Protocol):
    def export(self, records: Sequence[Record]) -> None:
        """Blocks until the host has them; sending one twice must leave one. Raises the above."""

    def close(self) -> None:
        """Lets go of the host."""


def refusal(status: int, reason: str, *, records: int) -> TracerAway | TracerRefused:
    """What an HTTP status other than success means for a batch of `records`."""
    if status in (408, 429) or status >= 500:
        return TracerAway(f"status {status}: {reason}")
    return TracerRefused(f"status {status}: {reason}", records=records)
