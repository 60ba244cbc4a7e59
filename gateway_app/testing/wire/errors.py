"""Google's error bodies."""

from collections.abc import Mapping
from typing import Any

STATUS_NAMES = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    429: "RESOURCE_EXHAUSTED",
    500: "INTERNAL",
    502: "UNAVAILABLE",
    503: "UNAVAILABLE",
    504: "DEADLINE_EXCEEDED",
}
_TYPE = "type.googleapis.com/google.rpc."


class GoogleError(Exception):
    """A call that ends in an error body of Google's shape."""

    def __init__(self, code: int, message: str, *, details: tuple[Mapping[str, Any], ...] = ()) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.details = details

    def body(self) -> dict[str, Any]:
        """`{"error": {"code", "message", "status", "details"?}}`."""
        error: dict[str, Any] = {
            "code": self.code,
            "message": self.message,
            "status": STATUS_NAMES.get(self.code, "UNKNOWN"),
        }
        if self.details:
            error["details"] = [dict(detail) for detail in self.details]
        return {"error": error}


def invalid_argument(message: str, *, field: str | None = None) -> GoogleError:
    """A 400. `field` is the path of the wrong field, `generation_config.temperature` for instance."""
    violation = ({"field": field} if field else {}) | {"description": message}
    detail = {"@type": f"{_TYPE}BadRequest", "fieldViolations": [violation]}
    return GoogleError(400, message, details=(detail,))


def key_missing() -> GoogleError:
    return GoogleError(
        403,
        "Method doesn't allow unregistered callers (callers without established identity). "
        "Please use API Key or other form of API consumer identity to call this API.",
    )


def key_invalid() -> GoogleError:
    message = "API key not valid. Please pass a valid API key."
    info = {
        "@type": f"{_TYPE}ErrorInfo",
        "reason": "API_KEY_INVALID",
        "domain": "googleapis.com",
        "metadata": {"service": "generativelanguage.googleapis.com"},
    }
    localized = {"@type": f"{_TYPE}LocalizedMessage", "locale": "en-US", "message": message}
    return GoogleError(400, message, details=(info, localized))


def model_not_found(model: str, method: str) -> GoogleError:
    return GoogleError(
        404,
        f"models/{model} is not found for API version v1beta, or is not supported for {method}. "
        "Call ListModels to see the list of available models and their supported methods.",
    )


def quota_exceeded(retry_after: float | None = None) -> GoogleError:
    """A 429, with a `RetryInfo` where `retry_after` (seconds) is given."""
    quota = {
        "@type": f"{_TYPE}QuotaFailure",
        "violations": [
            {
                "quotaMetric": "generativelanguage.googleapis.com/generate_content_free_tier_requests",
                "quotaId": "GenerateRequestsPerMinutePerProjectPerModel-FreeTier",
            }
        ],
    }
    message = "You exceeded your current quota, please check your plan and billing details."
    if retry_after is None:
        return GoogleError(429, message, details=(quota,))
    retry = {"@type": f"{_TYPE}RetryInfo", "retryDelay": f"{retry_after:g}s"}
    return GoogleError(429, f"{message} Please retry in {retry_after:g}s.", details=(quota, retry))


def of_status(code: int, retry_after: float | None = None) -> GoogleError:
    """The error that Google typically sends with HTTP status `code`."""
    if code == 429:
        return quota_exceeded(retry_after)
    return GoogleError(code, _MESSAGES[code])


_MESSAGES = {
    400: "Request contains an invalid argument.",
    401: "Request had invalid authentication credentials. Expected OAuth 2 access token, login cookie "
    "or other valid authentication credential.",
    403: "The caller does not have permission",
    404: "Requested entity was not found.",
    500: "An internal error has occurred. Please retry or report in "
    "https://developers.generativeai.google/guide/troubleshooting",
    502: "The service is currently unavailable.",
    503: "The model is overloaded. Please try again later.",
    504: "Deadline expired before operation could complete.",
}
