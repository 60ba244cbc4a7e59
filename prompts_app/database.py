"""Why Postgres takes no connection: the pool that waited for one only says that it waited."""

import re
import threading
import time
from collections.abc import Callable

import psycopg
from django.db import connection
from psycopg_pool import PoolTimeout

PATIENCE = 2
"""Seconds that a connection of its own may take; less the driver does not know."""
QUOTED = re.compile(r"""(['"]).*?\1""")
"""A host, a role or a database, in the words of the driver and of Postgres."""
EVERY = 5.0
"""Seconds between two of them: a Postgres that is full is not asked by every thread that waits."""


def refusal() -> str | None:
    """What Postgres, or the network before it, says to one connection outside of the pool; None: welcome."""
    parameters = connection.get_connection_params() | {"connect_timeout": PATIENCE}
    try:
        psycopg.connect(**parameters).close()
    except psycopg.Error as exc:
        return " ".join(str(exc).split())
    return None


class Reasons:
    """The newest refusal, asked for once in a while only."""

    def __init__(self, *, ask: Callable[[], str | None] = refusal) -> None:
        self._ask = ask
        self._lock = threading.Lock()
        self._asked_at = float("-inf")
        self._newest: str | None = None

    def told(self, exc: Exception) -> str:
        """The exception in a line; where the pool waited in vain, with the reason, without any address.

        For a thread: it may ask Postgres.
        """
        line = f"{type(exc).__name__}: {exc}".strip()
        if not isinstance(exc.__cause__, PoolTimeout):
            return line
        reason = (self._recent() or "Postgres itself takes connections").rpartition("failed: ")[2]
        return f"{line}: {QUOTED.sub('…', reason)}"

    def _recent(self) -> str | None:
        with self._lock:
            if time.monotonic() - self._asked_at > EVERY:
                self._newest = self._ask()
                self._asked_at = time.monotonic()
            return self._newest


reasons = Reasons()
"""Of this process."""
