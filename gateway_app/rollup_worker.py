"""Sums calls up again and again beside the ledger worker, at a bounded share of Postgres's time."""

import time
from collections.abc import Callable

import structlog
from django.db import Error as DatabaseError
from django.db import connections

from gateway_app.rollups import roll_up_due

log = structlog.get_logger()

INTERVAL = 2.0
"""Seconds between rounds, at the least."""
REST = 10
"""Times as long as a round took, it rests."""


def roll_up(keep_going: Callable[[], bool]) -> None:
    """Works until `keep_going` says no. Postgres away only means that it tries again."""
    while keep_going():
        began = time.monotonic()
        try:
            hours = roll_up_due()
        except DatabaseError as exc:
            hours = 0
            log.warning("rollup_waits", error=f"{type(exc).__name__}: {exc}"[:200])
        finally:
            connections.close_all()
        took = time.monotonic() - began
        if hours:
            log.info("rolled_up", hours=hours, ms=round(took * 1000))
        _rest(max(INTERVAL, REST * took), keep_going)


def _rest(seconds: float, keep_going: Callable[[], bool]) -> None:
    until = time.monotonic() + seconds
    while keep_going() and time.monotonic() < until:
        time.sleep(0.05)
