"""Ledger entries as rows in Postgres."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import UTC, timedelta
from decimal import Decimal
from typing import Any

import msgspec
from django.db import DataError, Error, IntegrityError, connection, connections, transaction

from gateway_app.call_sql import INSERTION
from gateway_app.json_numbers import real
from gateway_app.models import Call, CallContent, RollupDue
from gateway_app.records import Attempt, CallRecord, Step
from gateway_app.types import Usage

_encode = msgspec.json.Encoder().encode
_decoder = msgspec.json.Decoder(CallRecord, float_hook=real)
_TOO_COMPLEX = "54"
"""Of SQLSTATE: what goes beyond Postgres's own limits, as JSON does that is nested too deep."""


def write(entries: Sequence[bytes]) -> dict[bytes, str]:
    """As `store`, for a thread that nobody else looks after: leaves no connection behind."""
    try:
        return store(entries)
    finally:
        connections.close_all()


def store(entries: Sequence[bytes]) -> dict[bytes, str]:
    """Inserts what is not there yet, in one transaction; returns the entries that cannot be kept, and why.

    Raises where Postgres is away, which lies with no entry; nothing is written then.
    """
    records: dict[bytes, CallRecord] = {}
    refused = {}
    for entry in entries:
        try:
            records[entry] = _read(entry)
        except Exception as exc:  # noqa: BLE001 - whatever one entry does, the others are calls that happened
            refused[entry] = _reason(exc)
    return refused | _insert(records)


def _read(entry: bytes) -> CallRecord:
    record = _decoder.decode(entry)
    if not all(money.is_finite() for money in (record.cost_usd, record.saved_usd) if money is not None):
        raise ValueError("money that is no number")  # Postgres would take it, and every sum be none either
    return record


def _insert(records: dict[bytes, CallRecord]) -> dict[bytes, str]:
    """All at once; where one does not fit, one by one. Returns the entries that do not fit, and why."""
    try:
        _insert_all(records.values())
    except Exception as exc:
        if not _lies_with_a_record(exc):
            raise
        if len(records) == 1:
            return dict.fromkeys(records, _reason(exc))
        refused: dict[bytes, str] = {}
        for entry, record in records.items():
            refused |= _insert({entry: record})
        return refused
    return {}


def _lies_with_a_record(exc: Exception) -> bool:
    """False where Postgres or this machine is in trouble: later the same record may well be taken."""
    if isinstance(exc, Error):
        state = getattr(exc.__cause__, "sqlstate", None) or ""
        return isinstance(exc, DataError | IntegrityError) or state.startswith(_TOO_COMPLEX)
    return isinstance(exc, RecursionError) or not isinstance(exc, OSError | MemoryError | RuntimeError)


def _reason(exc: Exception) -> str:
    """One line: Postgres goes on with the row itself."""
    return f"{type(exc).__name__}: {exc}".splitlines()[0][:200]


@transaction.atomic
def _insert_all(records: Collection[CallRecord]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(INSERTION, [_document(records)])
    CallContent.objects.bulk_create(
        (content for record in records for content in _contents(record)), ignore_conflicts=True
    )
    hours = {
        record.created_at.astimezone(UTC).replace(minute=0, second=0, microsecond=0) for record in records
    }
    RollupDue.objects.bulk_create(RollupDue(hour=hour) for hour in sorted(hours))


def _document(records: Iterable[CallRecord]) -> str:
    """The rows as JSON: Django and psycopg take ten times as long to say as much."""
    document = _encode([_values(record) for record in records])
    if NUL in document:
        document = _encode(_without_nul(msgspec.json.decode(document)))
    return document.decode()


def _values(record: CallRecord) -> dict[str, Any]:
    """Column -> what JSON says of it."""
    return {
        **{name: getattr(record, name) for name in SAME},
        "cost_usd": _affordable(record.cost_usd),
        "saved_usd": _affordable(record.saved_usd),
        "phase": _fitting(record.phase),
        "max_tokens": _fitting(record.max_tokens),
        **{name: _fitting(count) for name, count in msgspec.structs.asdict(record.usage).items()},
        "parse_ms": _milliseconds(record.parsing),
        "latency_ms": record.latency * 1000,
        "time_to_first_token_ms": _milliseconds(record.time_to_first_token),
        "upstream_ms": record.upstream * 1000,
        "steps": record.steps,
        "attempts": record.attempts,
    }


def _fitting(number: int | None) -> int | None:
    """The nearest that the column takes: a call that was paid for is not lost to one number of it."""
    return number if number is None or 0 <= number <= MOST else min(max(number, 0), MOST)


def _affordable(dollars: Decimal | None) -> Decimal | None:
    return None if dollars is None else max(min(dollars, MOST_USD), -MOST_USD)


def record(row: Call) -> CallRecord:
    """The way back; content is not in a row."""
    return CallRecord(
        **{name: getattr(row, name) for name in SAME},
        usage=Usage(**{name: getattr(row, name) for name in Usage.__struct_fields__}),
        parsing=_seconds(row.parse_ms),
        latency=row.latency_ms / 1000,
        time_to_first_token=_seconds(row.time_to_first_token_ms),
        upstream=row.upstream_ms / 1000,
        steps=tuple(Step(**step) for step in row.steps),
        attempts=tuple(Attempt(**attempt) for attempt in row.attempts),
    )


def _contents(record: CallRecord) -> Iterator[CallContent]:
    content = record.content
    if content is None or record.project_id is None:
        return
    yield CallContent(
        id=record.id,
        project_id=record.project_id,
        created_at=record.created_at,
        expires_at=record.created_at + timedelta(days=content.days),
        messages=_without_nul(msgspec.to_builtins(content.messages)),
        reply=_without_nul(content.reply),
        tool_calls=_without_nul(msgspec.to_builtins(content.tool_calls)),
        variables=_without_nul(content.variables),
    )


SAME = [
    "id",
    "created_at",
    "request_id",
    "project_id",
    "project_name",
    "key_id",
    "key_name",
    "surface",
    "streamed",
    "session_id",
    "unit_hash",
    "trace_id",
    "prompt_name",
    "prompt_version",
    "phase",
    "arm_reason",
    "provider",
    "model",
    "model_served",
    "temperature",
    "max_tokens",
    "parameters",
    "cost_usd",
    "saved_usd",
    "price_id",
    "cache",
    "cache_key",
    "outcome",
    "error_code",
    "finish_reason",
]
MOST = 2**31 - 1
"""Postgres's greatest integer."""
MOST_USD = Decimal("99999999.9999999999")
"""What the columns of money take."""
NUL = rb"\u0000"


def _without_nul(value: Any) -> Any:
    """Postgres takes no NUL, in text or in JSON."""
    if isinstance(value, str):
        return value.replace("\0", "")
    if isinstance(value, dict):
        return {_without_nul(key): _without_nul(item) for key, item in value.items()}
    return [_without_nul(item) for item in value] if isinstance(value, list | tuple) else value


def _seconds(milliseconds: float | None) -> float | None:
    return None if milliseconds is None else milliseconds / 1000


def _milliseconds(seconds: float | None) -> float | None:
    return None if seconds is None else seconds * 1000
