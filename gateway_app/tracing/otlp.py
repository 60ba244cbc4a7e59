"""OTLP over HTTP, with OpenTelemetry's own exporter."""

import logging
from collections.abc import Mapping, Sequence
from typing import Any

import requests
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace.export import SpanExportResult

from gateway_app.tracing.base import TIMEOUT, TracerAway, refusal
from gateway_app.tracing.otlp_spans import spans_of
from gateway_app.tracing.records import Record

# Its every failed try would be a line; the feed says once that the host is away.
logging.getLogger("opentelemetry.exporter.otlp").setLevel(logging.CRITICAL)


class Otlp:
    def __init__(
        self, *, endpoint: str, headers: Mapping[str, str], version: str, timeout: float = TIMEOUT
    ) -> None:
        """`endpoint` without `/v1/traces`. `timeout`: seconds for a batch, its quick retries included."""
        session = requests.Session()
        session.hooks["response"].append(self._note)
        self._status = 0
        self._resource = Resource.create({"service.name": "llmgateway", "service.version": version})
        self._exporter = OTLPSpanExporter(
            endpoint=f"{endpoint}/v1/traces", headers=headers, timeout=timeout, session=session
        )

    def export(self, records: Sequence[Record]) -> None:
        self._status = 0
        spans = [span for record in records for span in spans_of(record, self._resource)]
        if self._exporter.export(spans) is SpanExportResult.SUCCESS:
            return
        if not self._status:
            raise TracerAway("no answer")
        raise refusal(self._status, "the collector's log may say more", records=len(records))

    def close(self) -> None:
        self._exporter.shutdown()  # type: ignore[no-untyped-call]

    def _note(self, response: requests.Response, **_: Any) -> None:
        """The exporter says whether it failed; only the status says whether to try again."""
        self._status = response.status_code
