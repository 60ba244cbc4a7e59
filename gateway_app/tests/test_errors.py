"""The error table is whole, and says what DESIGN promises."""

from collections.abc import Iterator

import pytest
from django.db import OperationalError
from django.http import Http404
from rest_framework.exceptions import MethodNotAllowed, NotAcceptable, UnsupportedMediaType

from gateway_app import exceptions as ours
from gateway_app.errors import STATUS, TYPES, failure
from gateway_app.v1.exceptions import BadParameter
from prompts_app import exceptions as prompts

NOT_IN_THE_TABLE = {ours.GatewayError, prompts.PromptError, BadParameter}
"""Two that nobody raises, and one of OpenAI's wire, which has codes of its own (`v1/errors.py`)."""


def descendants(kind: type[Exception]) -> Iterator[type[Exception]]:
    yield kind
    for child in kind.__subclasses__():
        yield from descendants(child)


def raised(kind: type[Exception]) -> Exception:
    """One of that kind."""
    return (
        kind("what happened", retry_after=2.0)
        if issubclass(kind, ours.LimitReached)
        else kind("what happened")
    )


EVERY = sorted(
    {*descendants(ours.GatewayError), *descendants(prompts.PromptError)} - NOT_IN_THE_TABLE, key=str
)


@pytest.mark.parametrize("kind", EVERY, ids=lambda kind: kind.__name__)
def test_every_exception_of_ours_has_a_status_of_its_own(kind: type[Exception]) -> None:
    assert kind in STATUS
    found = failure(raised(kind))
    assert found.status == STATUS[kind]
    assert found.message == "what happened"
    assert found.code == kind.code  # type: ignore[attr-defined]


def test_no_two_exceptions_share_a_code() -> None:
    codes = [kind.code for kind in EVERY]  # type: ignore[attr-defined]
    assert len(set(codes)) == len(codes)


@pytest.mark.parametrize("kind", EVERY, ids=lambda kind: kind.__name__)
def test_every_error_has_openais_shape(kind: type[Exception]) -> None:
    reply = failure(raised(kind)).reply("r-1")
    assert reply.request_id == "r-1"
    assert reply.error.message == "what happened"
    assert reply.error.type == TYPES.get(
        STATUS[kind], "api_error" if STATUS[kind] >= 500 else reply.error.type
    )


@pytest.mark.parametrize(
    ("exc", "status", "code"),
    [
        (Http404(), 404, "not_found"),
        (MethodNotAllowed("PUT"), 405, "method_not_allowed"),
        (UnsupportedMediaType("text/xml"), 415, "unsupported_media_type"),
        (NotAcceptable(), 406, "not_acceptable"),
        (OperationalError("server closed the connection"), 503, "unavailable"),
    ],
)
def test_the_frameworks_errors_have_our_shape(exc: Exception, status: int, code: str) -> None:
    found = failure(exc)
    assert (found.status, found.code) == (status, code)


def test_the_unforeseen_tells_the_client_nothing() -> None:
    found = failure(RuntimeError("password=hunter2"))
    assert found.status == 500
    assert "hunter2" not in found.message


def test_a_limit_says_when_to_come_back() -> None:
    slow_down = failure(ours.ProviderRateLimited("slow down", retry_after=6.2))
    assert slow_down.headers() == {"Retry-After": "7"}
    assert failure(ours.Unavailable("later")).headers() == {"Retry-After": "1"}
    assert failure(ours.InvalidRequest("no")).headers() == {}
