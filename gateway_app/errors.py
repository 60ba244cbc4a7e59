"""One table from our exceptions to what a client sees: status, type, code."""

from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from math import ceil
from typing import Any

import msgspec
import structlog
from django.db import InterfaceError, OperationalError
from django.http import Http404
from rest_framework.exceptions import APIException
from rest_framework.response import Response

from gateway_app import exceptions as ours
from gateway_app.headers import rate_limit_headers
from gateway_app.limits import RateLimit
from gateway_app.schemas import ErrorDetail, ErrorReply
from prompts_app import exceptions as prompts

log = structlog.get_logger()

STATUS: Mapping[type[Exception], int] = {
    ours.RequestRejected: 400,
    ours.InvalidRequest: 400,
    ours.BodyTooLarge: 413,
    ours.ImageRefused: 400,
    ours.Unauthenticated: 401,
    ours.Forbidden: 403,
    ours.ModelNotFound: 404,
    ours.CallNotFound: 404,
    ours.LimitReached: 429,
    ours.ConcurrencyReached: 429,
    ours.ReaderTooSlow: 408,
    ours.BudgetSpent: 402,
    ours.PriceUnknown: 402,
    ours.Unavailable: 503,
    ours.ProviderError: 502,
    ours.ProviderRefused: 400,
    ours.ProviderDenied: 502,
    ours.ProviderRateLimited: 429,
    ours.ProviderTimeout: 504,
    ours.ProviderUnavailable: 502,
    ours.CircuitOpen: 503,
    ours.ProviderBadReply: 502,
    prompts.PromptNotFound: 404,
    prompts.VersionNotFound: 404,
    prompts.VariablesInvalid: 422,
    prompts.TemplateInvalid: 422,
    prompts.RegistryUnavailable: 503,
    prompts.ChangeRefused: 409,
    prompts.EditConflict: 409,
}

TYPES = {
    400: "invalid_request_error",
    401: "authentication_error",
    402: "insufficient_quota",
    403: "permission_error",
    404: "not_found_error",
    413: "invalid_request_error",
    422: "invalid_request_error",
    429: "rate_limit_error",
    504: "timeout_error",
}
"""OpenAI's names; what is not here is `invalid_request_error` below 500 and `api_error` from there."""

RETRY_AFTER = 1
"""Seconds that a client is asked to wait where nobody knows better."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """An exception as a client sees it."""

    status: int
    code: str
    message: str
    param: str | None = None
    retry_after: float | None = None
    rate_limit: RateLimit | None = None

    def reply(self, request_id: str | None) -> ErrorReply:
        kind = TYPES.get(self.status, "api_error" if self.status >= 500 else "invalid_request_error")
        return ErrorReply(
            error=ErrorDetail(message=self.message, type=kind, code=self.code, param=self.param),
            request_id=request_id,
        )

    def headers(self) -> dict[str, str]:
        if self.status in (429, 503):
            wait = str(max(1, ceil(self.retry_after or RETRY_AFTER)))
            return {"Retry-After": wait, **rate_limit_headers(self.rate_limit)}
        return {"WWW-Authenticate": "Bearer"} if self.status == 401 else {}


def failure(exc: BaseException) -> Failure:
    """Never raises. What is not in the table is a 500: the client is told nothing, the log everything."""
    for kind in type(exc).__mro__:
        if kind in STATUS:
            return Failure(
                status=STATUS[kind],
                code=getattr(exc, "code", "error"),
                message=str(exc),
                param=getattr(exc, "param", None),
                retry_after=getattr(exc, "retry_after", None),
                rate_limit=getattr(exc, "rate_limit", None),
            )
    if isinstance(exc, Http404):
        return status_failure(404, "there is nothing at this address")
    if isinstance(exc, APIException):
        return status_failure(exc.status_code, str(exc.detail))
    if isinstance(exc, OperationalError | InterfaceError):
        log.warning("database_away", error=str(exc)[:200])
        return Failure(status=503, code="unavailable", message="the database does not answer now")
    log.error("internal_error", exc_info=exc)
    return Failure(status=500, code="internal_error", message="something went wrong inside the gateway")


def status_failure(status: int, message: str) -> Failure:
    """An error without an exception of ours: `method_not_allowed`, `not_acceptable` and their like."""
    return Failure(status=status, code=HTTPStatus(status).name.lower(), message=message)


def drf_exception_handler(exc: Exception, context: dict[str, Any]) -> Response:
    found = failure(exc)
    request_id = context["request"].scope.get("request_id") if context.get("request") else None
    headers = found.headers()
    if allow := getattr(exc, "auth_header", None):
        headers["WWW-Authenticate"] = allow
    # As plain values, which every renderer knows; and JSON even to who asked for CSV.
    said = msgspec.to_builtins(found.reply(request_id))
    return Response(said, status=found.status, headers=headers, content_type="application/json")
