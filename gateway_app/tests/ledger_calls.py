"""Calls for the ledger's tests, as a worker writes them."""

from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import msgspec
from msgspec.structs import replace

from gateway_app import ledger_rows
from gateway_app.calls import Call
from gateway_app.records import CallRecord
from gateway_app.requests import Caller, ChatRequest
from gateway_app.types import Usage

NOON = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
USAGE = Usage(input_tokens=100, cached_tokens=20, output_tokens=30, thinking_tokens=10, total_tokens=140)


def call(request_id: str = "r-1", **known: Any) -> CallRecord:
    """A call of nobody in particular that went well; `known` replaces fields."""
    caller = Caller(project_id=None, project="anonymous")
    record = Call(ChatRequest(request_id=request_id, caller=caller, surface="chat", stream=False)).record()
    usual: dict[str, Any] = {
        "created_at": NOON,
        "provider": "gemini",
        "model": "gemini-2.5-flash",
        "model_served": "gemini-2.5-flash",
        "usage": USAGE,
        "cost_usd": Decimal("0.0001"),
        "latency": 0.5,
        "time_to_first_token": 0.2,
        "cache": "MISS",
        "outcome": "ok",
        "finish_reason": "stop",
    }
    return replace(record, **(usual | known))


def write(*records: CallRecord) -> None:
    assert ledger_rows.store([encode(record) for record in records]) == {}


def encode(record: CallRecord) -> bytes:
    return msgspec.json.encode(record)


def calls(count: int, **known: Any) -> Sequence[CallRecord]:
    return [call(f"r-{number}", **known) for number in range(count)]
