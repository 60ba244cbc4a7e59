"""A host for traces, over real sockets: keeps what it is sent, or is slow, refusing or silent."""

import gzip
import json
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from langfuse.api import IngestionEvent  # type: ignore[import-untyped]
from langfuse.api.core.pydantic_utilities import pydantic_v1  # type: ignore[import-untyped]
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span


@dataclass(frozen=True, slots=True, kw_only=True)
class Captured:
    path: str
    headers: dict[str, str]
    body: bytes


@dataclass
class CaptureServer:
    """A context. `status` answers the next requests; while `hanging`, they get no answer."""

    status: int = 200
    hanging: bool = False
    refused_events: int = 0
    """Of each Langfuse batch, so many are answered with an error of their own."""
    requests: list[Captured] = field(default_factory=list)
    _closing: threading.Event = field(default_factory=threading.Event)

    def __enter__(self) -> "CaptureServer":
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02})
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._closing.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    @property
    def events(self) -> list[Any]:
        """Langfuse's events of the accepted batches, as the SDK's own types; unknown fields are an error."""
        found = []
        for request in self.requests:
            if request.path == "/api/public/ingestion":
                for event in json.loads(request.body)["batch"]:
                    found.append(_checked(pydantic_v1.parse_obj_as(IngestionEvent, event)))
        return found

    @property
    def spans(self) -> list[Span]:
        """OTLP's spans of the accepted requests, as OpenTelemetry's own protobufs."""
        exports = [
            ExportTraceServiceRequest.FromString(request.body)
            for request in self.requests
            if request.path == "/v1/traces"
        ]
        return [
            span
            for export in exports
            for resource in export.resource_spans
            for scope in resource.scope_spans
            for span in scope.spans
        ]

    def wait(self) -> None:
        """What a request does that gets no answer, until `hanging` ends."""
        while self.hanging and not self._closing.wait(0.05):
            pass


def attributes(span: Any) -> dict[str, Any]:
    """A span's (or an event's) attributes as plain values."""
    return {pair.key: _plain(pair.value) for pair in span.attributes}


def _plain(value: Any) -> Any:
    kind = value.WhichOneof("value")
    if kind == "array_value":
        return [_plain(one) for one in value.array_value.values]
    return getattr(value, kind)


def _checked(event: Any) -> Any:
    """The SDK's types let unknown fields pass; a wrong name must not."""
    for model in (event, event.body):
        unknown = set(model.__fields_set__) - set(model.__fields__)
        assert not unknown, f"{type(model).__name__} has no {unknown}"
    return event


def _handler(capture: CaptureServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if self.headers.get("Content-Encoding") == "gzip":
                body = gzip.decompress(body)
            if capture.hanging:
                capture.wait()
                self.close_connection = True
                return
            if capture.status < 300:
                headers = {name.lower(): value for name, value in self.headers.items()}
                capture.requests.append(Captured(path=self.path, headers=headers, body=body))
            self._reply(_reply(capture, body) if self.path == "/api/public/ingestion" else b"{}")

        def _reply(self, body: bytes) -> None:
            self.send_response(capture.status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
            """Silent."""

    return Handler


def _reply(capture: CaptureServer, body: bytes) -> bytes:
    ids = [event["id"] for event in json.loads(body)["batch"]]
    refused, accepted = ids[: capture.refused_events], ids[capture.refused_events :]
    return json.dumps(
        {
            "successes": [{"id": identifier, "status": 201} for identifier in accepted],
            "errors": [{"id": identifier, "status": 400, "message": "bad"} for identifier in refused],
        }
    ).encode()
