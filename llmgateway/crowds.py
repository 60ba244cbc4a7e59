"""What a page says when there is too much to do, and what keeps logins from being that."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from threading import BoundedSemaphore

from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.utils.deprecation import MiddlewareMixin

from gateway_app.errors import failure
from gateway_app.exceptions import Unavailable

View = Callable[[HttpRequest], HttpResponse]

AT_ONCE = 2
"""Logins of one process that are looked at: each takes a core for a third of a second, and a connection."""
WAITING = 30
"""Those that wait for their turn, each in a thread; more are turned away at once."""
PATIENCE = 5.0
"""Seconds that they wait at the most."""


class UnavailablePages(MiddlewareMixin):
    """A page that cannot do without what is away now, or too busy, is a 503 that says so, as in the API."""

    def process_exception(self, request: HttpRequest, exc: Exception) -> HttpResponse | None:
        if not isinstance(exc, Unavailable | OperationalError | InterfaceError):
            return None
        found = failure(exc)
        page = render_to_string("503.html", {"why": found.message})
        return HttpResponse(page, status=found.status, headers=found.headers())


def taking_turns(view: View) -> View:
    """What is posted to `view` waits for its turn, before it holds a connection to Postgres.

    Raises `Unavailable` for whose turn does not come in time.
    """
    turns, places = BoundedSemaphore(AT_ONCE), BoundedSemaphore(AT_ONCE + WAITING)

    @wraps(view)
    def in_turn(request: HttpRequest) -> HttpResponse:
        if request.method != "POST":
            return view(request)
        with _held(places, within=0), _held(turns, within=PATIENCE):
            return view(request)

    return in_turn


@contextmanager
def _held(semaphore: BoundedSemaphore, *, within: float) -> Iterator[None]:
    if not semaphore.acquire(timeout=within):
        raise Unavailable("too many people are logging in at this moment")
    try:
        yield
    finally:
        semaphore.release()
