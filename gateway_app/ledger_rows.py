"""Ledger entries as rows in Postgres."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import msgspec
from django.db import DataError, connections

from gateway_app.calls import CallRecord
from gateway_app.models import Call

_decoder = msgspec.json.Decoder(CallRecord)


def write(entries: Sequence[bytes]) -> list[bytes]:
    """Inserts what is not there yet, in one statement; returns the entries that cannot be read at all.

    Raises `django.db.Error` where Postgres is away; nothing is written then.
    """
    rows: dict[bytes, Call] = {}
    unreadable = []
    for entry in entries:
        try:
            rows[entry] = _row(_decoder.decode(entry))
        except (msgspec.MsgspecError, ValueError):
            unreadable.append(entry)
    try:
        return unreadable + _insert(rows)
    finally:
        connections.close_all()


def _insert(rows: dict[bytes, Call]) -> list[bytes]:
    """All at once; where a value does not fit, one by one. Returns the entries that do not fit."""
    try:
        Call.objects.bulk_create(rows.values(), ignore_conflicts=True)
    except DataError:
        if len(rows) == 1:
            return list(rows)
        return [entry for entry, row in rows.items() for entry in _insert({entry: row})]
    return []


def _row(record: CallRecord) -> Call:
    usage = record.usage
    return Call(
        **{name: _storable(name, getattr(record, name)) for name in SAME},
        input_tokens=usage.input_tokens,
        cached_tokens=usage.cached_tokens,
        output_tokens=usage.output_tokens,
        thinking_tokens=usage.thinking_tokens,
        total_tokens=usage.total_tokens,
        latency_ms=record.latency * 1000,
        time_to_first_token_ms=None
        if record.time_to_first_token is None
        else record.time_to_first_token * 1000,
        upstream_ms=record.upstream * 1000,
        attempts=[asdict(attempt) for attempt in record.attempts],
    )


SAME = [
    "id",
    "created_at",
    "request_id",
    "project_id",
    "key_id",
    "surface",
    "streamed",
    "prompt_name",
    "prompt_version",
    "phase",
    "provider",
    "model",
    "model_served",
    "temperature",
    "max_tokens",
    "cost_usd",
    "saved_usd",
    "cache",
    "outcome",
    "error_code",
    "finish_reason",
]


LENGTHS = {field.attname: field.max_length for field in Call._meta.concrete_fields if field.max_length}


def _storable(name: str, value: Any) -> Any:
    """Postgres takes no NUL in text, and no more characters than the column has."""
    return value.replace("\0", "")[: LENGTHS.get(name)] if isinstance(value, str) else value
