"""The gateway's structs in the OpenAPI document, and the streams, which are no DRF views."""

from collections.abc import Callable
from typing import Any, TypeVar

import msgspec
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.utils import OpenApiResponse, extend_schema

from gateway_app import ledger_schemas, schemas
from gateway_app.sse import EVENT
from gateway_app.v1 import openapi as v1

F = TypeVar("F", bound=Callable[..., Any])

REF = "#/components/schemas/{name}"
STRUCTS = (
    schemas.TextBody,
    schemas.VariablesBody,
    schemas.ChatReply,
    schemas.ErrorReply,
    schemas.StartEvent,
    schemas.DeltaEvent,
    schemas.EndEvent,
    schemas.HealthReply,
    schemas.ReadyReply,
    schemas.ChatFrame,
    schemas.CancelFrame,
    schemas.AuthFrame,
    ledger_schemas.UsageReport,
    ledger_schemas.CallReply,
    ledger_schemas.FeedbackBody,
    ledger_schemas.FeedbackReply,
    *v1.STRUCTS,
)
FAILURES = {
    400: "The body is wrong, or the vendor refuses it",
    401: "No API key, or a bad one",
    403: "The key lacks the scope",
    404: "No such prompt, version or model",
    413: "The body is too big",
    422: "Variables are missing, unknown or wrong",
    429: "A limit; see `Retry-After`",
    502: "The vendor failed",
    503: "Not able now; see `Retry-After`",
    504: "The vendor was too slow",
}
STREAMS = {
    "/chat/stream": ("Answers a text, as a stream", schemas.TextBody),
    "/summarize/stream": ("Summarizes a text, as a stream", schemas.TextBody),
    "/prompts/{name}/stream": ("Answers through any prompt, as a stream", schemas.VariablesBody),
}


def describe(
    summary: str, *, reply: type, body: type | None = None, or_text: tuple[str, ...] = ()
) -> Callable[[F], F]:
    """DRF's handler in the document: its struct in, its struct out (or text of these types), our errors."""
    responses: dict[Any, Any] = {(200, "application/json"): _ref(reply)}
    responses |= {(200, kind): {"type": "string"} for kind in or_text}
    if body is not None:
        responses |= {
            status: OpenApiResponse(_ref(schemas.ErrorReply), text) for status, text in FAILURES.items()
        }
    decorate: Callable[[F], F] = extend_schema(
        summary=summary, request={"application/json": _ref(body)} if body else None, responses=responses
    )
    return decorate


def complete(result: dict[str, Any], generator: Any, request: Any, public: bool) -> dict[str, Any]:
    """A drf-spectacular hook: the structs' components, the streams' paths, what every error looks like."""
    _, components = msgspec.json.schema_components(STRUCTS, ref_template=REF)
    result.setdefault("components", {}).setdefault("schemas", {}).update(components)
    for path, (summary, body) in STREAMS.items():
        result["paths"][path] = {"post": _stream(path, summary, body)}
    failures = {str(status): _failure(text) for status, text in FAILURES.items()}
    result["paths"] |= v1.paths(ref=_ref, failures=failures)
    for operations in result["paths"].values():
        for operation in operations.values():
            operation["responses"].setdefault("default", _failure("Whatever else goes wrong"))
    return result


def _stream(path: str, summary: str, body: type) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "operationId": path.strip("/").replace("/", "_").replace("{name}_", ""),
        "summary": summary,
        "description": (
            "Plain text in pieces; with `Accept: text/event-stream` the events `start` (StartEvent), "
            "`delta` (DeltaEvent), and `end` (EndEvent) or `error` (ErrorReply). A plain-text stream "
            "that fails says so and is cut without its last chunk."
        ),
        "tags": [path.split("/")[1]],
        "security": [{"apiKey": []}],
        "requestBody": {"required": True, "content": {"application/json": {"schema": _ref(body)}}},
        "responses": {
            "200": {
                "description": "The stream",
                "content": {
                    "text/plain": {"schema": {"type": "string"}},
                    "text/event-stream": {"schema": EVENT},
                },
            },
            **{str(status): _failure(text) for status, text in FAILURES.items()},
        },
    }
    if "{name}" in path:
        name = {"name": "name", "in": "path", "required": True, "schema": {"type": "string"}}
        operation["parameters"] = [name]
    return operation


def _failure(text: str) -> dict[str, Any]:
    return {"description": text, "content": {"application/json": {"schema": _ref(schemas.ErrorReply)}}}


def _ref(struct: type) -> dict[str, str]:
    return {"$ref": REF.format(name=struct.__name__)}


class KeyScheme(OpenApiAuthenticationExtension):
    """Swagger UI's Authorize button."""

    target_class = "gateway_app.permissions.KeyAuthentication"
    name = "apiKey"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        return {"type": "http", "scheme": "bearer", "description": "An API key, gw_…"}
