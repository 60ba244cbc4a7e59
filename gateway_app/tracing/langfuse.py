"""Langfuse, servers v2 and v3, through the lowest layer of its SDK v2.

What is above that layer is left out: its queue holds 100,000 events, a dead host holds up its exit, and its
typed events cost 1.5 ms of CPU a call where plain ones cost 0.2.
"""

from collections.abc import Sequence

import httpx
from langfuse.request import LangfuseClient  # type: ignore[import-untyped]
from langfuse.version import __version__ as sdk_version  # type: ignore[import-untyped]

from gateway_app.tracing.base import TIMEOUT, TracerAway, TracerRefused, refusal
from gateway_app.tracing.langfuse_events import events_of
from gateway_app.tracing.records import Record


class Langfuse:
    def __init__(self, *, host: str, public_key: str, secret_key: str, timeout: float = TIMEOUT) -> None:
        """`timeout`: seconds for each step of a request."""
        self._session = httpx.Client()
        self._api = LangfuseClient(
            public_key=public_key,
            secret_key=secret_key,
            base_url=host,
            version=sdk_version,
            timeout=timeout,
            session=self._session,
        )

    def export(self, records: Sequence[Record]) -> None:
        batch = [event for record in records for event in events_of(record)]
        try:
            reply: httpx.Response = self._api.post(batch=batch)
        except (httpx.HTTPError, OSError) as exc:
            raise TracerAway(f"{type(exc).__name__}: {exc}") from exc
        if not reply.is_success:
            raise refusal(reply.status_code, reply.text[:200], records=len(records))
        # 207: accepted, but perhaps not every event.
        if errors := reply.json().get("errors"):
            refused = {error["id"].rpartition("/")[0] for error in errors}
            raise TracerRefused(str(errors[0].get("message"))[:200], records=len(refused))

    def close(self) -> None:
        self._session.close()
