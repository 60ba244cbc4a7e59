"""One table from the gateway's failures to OpenAI's statuses, types and codes."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from gateway_app.errors import Failure, failure
from gateway_app.schemas import ErrorDetail, ErrorReply

CODES: Mapping[str, str] = {
    "prompt_not_found": "model_not_found",
    "prompt_version_not_found": "model_not_found",
    "provider_rate_limited": "rate_limit_exceeded",
}
"""Our codes that have another name there; the rest go out as they are."""

QUOTA = "insufficient_quota"
TYPES: Mapping[int, str] = {429: "rate_limit_error"}
"""What is not here is `invalid_request_error` below 500 and `server_error` from there."""

_TOO_LONG = re.compile(r"exceeds the maximum number of tokens|maximum context length|prompt is too long")
"""How vendors say it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WireFailure(Failure):
    """A failure as OpenAI's clients know it."""

    def reply(self, request_id: str | None) -> ErrorReply:
        kind = TYPES.get(self.status, "server_error" if self.status >= 500 else "invalid_request_error")
        detail = ErrorDetail(
            message=self.message,
            type=QUOTA if self.code == QUOTA else kind,
            code=self.code,
            param=self.param,
        )
        return ErrorReply(error=detail, request_id=request_id)

    def headers(self) -> dict[str, str]:
        if self.code == QUOTA:
            return {"x-should-retry": "false"}
        return Failure.headers(self)


def wire_failure(exc: BaseException) -> WireFailure:
    """Never raises."""
    return translated(failure(exc))


def translated(found: Failure) -> WireFailure:
    code, status, param = CODES.get(found.code, found.code), found.status, found.param
    if status == 402:
        code, status = QUOTA, 429
    elif code == "provider_refused" and _TOO_LONG.search(found.message):
        code, param = "context_length_exceeded", "messages"
    elif code == "model_not_found":
        param = "model"
    return WireFailure(
        status=status, code=code, message=found.message, param=param, retry_after=found.retry_after
    )
