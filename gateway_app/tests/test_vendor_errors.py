"""What an HTTP vendor says went wrong becomes the right exception of ours."""

import json
from datetime import UTC, datetime

import aiohttp
import msgspec
import pytest

from gateway_app import exceptions as ours
from gateway_app.providers.effort import effort
from gateway_app.providers.foreign import HTTP_ERRORS, translated
from gateway_app.providers.retry_after import retry_after
from gateway_app.providers.vendor_errors import MAX_MESSAGE, error_in_stream, error_reply

NOW = datetime(2026, 11, 23, 12, 0, 0, tzinfo=UTC)

FOREIGN: dict[type[Exception], Exception] = {
    TimeoutError: aiohttp.ConnectionTimeoutError(),
    aiohttp.ClientPayloadError: aiohttp.ClientPayloadError(),
    aiohttp.ClientError: aiohttp.ServerDisconnectedError(),
    OSError: ConnectionResetError(),
    ValueError: msgspec.DecodeError("truncated"),
    RecursionError: RecursionError(),
}
"""For each row of the table something that really is raised."""


@pytest.mark.parametrize("row", HTTP_ERRORS, ids=lambda row: row[0].__name__)
def test_every_row_of_the_table_of_foreign_errors_holds(row: tuple[type[Exception], type, str]) -> None:
    foreign, own, message = row
    with pytest.raises(own, match=message) as caught, translated():
        raise FOREIGN[foreign]
    assert caught.value.__cause__ is FOREIGN[foreign]


def test_what_is_not_foreign_passes_as_it_is() -> None:
    with pytest.raises(ours.ProviderRateLimited), translated():
        raise ours.ProviderRateLimited("slow down")


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"retry-after": "7"}, 7),
        ({"retry-after": "0.5"}, 0.5),
        ({"retry-after-ms": "250", "retry-after": "1"}, 0.25),
        ({"retry-after": "Mon, 23 Nov 2026 12:00:30 GMT"}, 30),
        ({"retry-after": "Mon, 23 Nov 2026 11:00:00 GMT"}, 0),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "-3"}, None),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "inf"}, None),
    ],
)
def test_the_vendors_delay_is_read(headers: dict[str, str], seconds: float | None) -> None:
    assert retry_after(headers, now=NOW) == seconds


@pytest.mark.parametrize(
    ("status", "error", "expected"),
    [
        (400, {"type": "invalid_request_error"}, ours.ProviderRefused),
        (401, {"type": "authentication_error"}, ours.ProviderDenied),
        (402, {}, ours.ProviderDenied),
        (400, {"type": "billing_error"}, ours.ProviderDenied),
        (404, {"code": "model_not_found"}, ours.ModelNotFound),
        (413, {"type": "request_too_large"}, ours.ProviderRefused),
        (429, {"type": "rate_limit_error"}, ours.ProviderRateLimited),
        (429, {"type": "insufficient_quota", "code": "insufficient_quota"}, ours.ProviderDenied),
        (500, {"type": "server_error"}, ours.ProviderUnavailable),
        (504, {"type": "timeout_error"}, ours.ProviderTimeout),
        (529, {"type": "overloaded_error"}, ours.ProviderUnavailable),
        (302, {}, ours.ProviderBadReply),
    ],
)
def test_a_status_has_its_exception(status: int, error: dict[str, str], expected: type[Exception]) -> None:
    body = json.dumps({"error": error | {"message": "No."}}).encode()
    assert type(error_reply(status, body, {}, now=NOW)) is expected


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        ({"type": "overloaded_error"}, ours.ProviderUnavailable),
        ({"type": "rate_limit_error"}, ours.ProviderRateLimited),
        ({"type": "invalid_request_error"}, ours.ProviderRefused),
        ({"type": "something_new"}, ours.ProviderUnavailable),
        ({"code": "rate_limit_exceeded"}, ours.ProviderRateLimited),
        ({}, ours.ProviderUnavailable),
    ],
)
def test_an_error_in_a_stream_has_its_exception(error: dict[str, str], expected: type[Exception]) -> None:
    assert type(error_in_stream(json.dumps({"error": error}).encode())) is expected


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (b'{"error": {"message": "Too long."}}', "Too long."),
        (b'{"error": "model is loading"}', "model is loading"),
        (b'{"object": "error", "message": "Too long."}', "Too long."),
        (b'{"detail": "Too long."}', "Too long."),
        (b"<html>Bad gateway</html>", "no reason given"),
        (b'{"error": null}', "None"),
        (b"[" * 100_000, "no reason given"),
        (b"\xff", "no reason given"),
    ],
    ids=["OpenAI", "Ollama", "older vLLM", "FastAPI", "a page", "null", "nested", "no UTF-8"],
)
def test_the_reason_is_found_in_every_shape(body: bytes, told: str) -> None:
    assert told in str(error_reply(400, body, {}, now=NOW))


@pytest.mark.parametrize("error", ["x" * 100_000, {"message": "x" * 100_000}], ids=["text", "message"])
def test_a_reason_is_not_repeated_without_end(error: object) -> None:
    body = json.dumps({"error": error}).encode()
    assert len(str(error_reply(400, body, {}, now=NOW))) < MAX_MESSAGE + 100


@pytest.mark.parametrize(
    ("budget", "level"),
    [(None, None), (-1, None), (0, "low"), (1024, "low"), (1025, "medium"), (8192, "medium"), (8193, "high")],
)
def test_a_thinking_budget_has_its_level(budget: int | None, level: str | None) -> None:
    assert effort(budget) == level
