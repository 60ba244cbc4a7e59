"""Langfuse, servers v2 and v3, through the typed client of its SDK v2.

The SDK's own queue and threads are left out: they hold 100,000 events, and a dead host holds up the exit.
"""

from collections.abc import Sequence

import httpx
from langfuse.api.client import FernLangfuse  # type: ignore[import-untyped]
from langfuse.api.core.api_error import ApiError  # type: ignore[import-untyped]
from langfuse.version import __version__ as sdk_version  # type: ignore[import-untyped]

from gateway_app.tracing.base import TIMEOUT, TracerAway, TracerRefused, refusal
from gateway_app.tracing.langfuse_events import events_of
from gateway_app.tracing.records import Record


class Langfuse:
    def __init__(self, *, host: str, public_key: str, secret_key: str, timeout: float = TIMEOUT) -> None:
        """`timeout`: seconds for each step of a request."""
        self._client = httpx.Client(timeout=timeout)
        self._api = FernLangfuse(
            base_url=host,
            username=public_key,
            password=secret_key,
            x_langfuse_sdk_name="python",
            x_langfuse_sdk_version=sdk_version,
            x_langfuse_public_key=public_key,
            httpx_client=self._client,
            timeout=timeout,
        )

    def export(self, records: Sequence[Record]) -> None:
        batch = [event for record in records for event in events_of(record)]
        try:
            reply = self._api.ingestion.batch(batch=batch)
        except (httpx.HTTPError, OSError) as exc:
            raise TracerAway(f"{type(exc).__name__}: {exc}") from exc
        except ApiError as exc:
            raise refusal(exc.status_code or 500, str(exc.body)[:200], records=len(records)) from exc
        if reply.errors:
            refused = {error.id.rpartition("/")[0] for error in reply.errors}
            raise TracerRefused(str(reply.errors[0].message)[:200], records=len(refused))

    def close(self) -> None:
        self._client.close()
