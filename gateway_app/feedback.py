"""What people think of calls: the verb that keeps it."""

import contextlib
from typing import Any
from uuid import UUID

import msgspec
import redis
from django.db import transaction

from gateway_app.exceptions import CallNotFound
from gateway_app.ledger import FIELD, STREAM
from gateway_app.models import Call, Feedback
from gateway_app.requests import OPEN, Caller
from gateway_app.tracing.records import Score
from gateway_app.tracing.scores import send_score

LOOKED_THROUGH = 20_000
"""Entries of the stream, the newest first, that are searched for a call that is not in Postgres yet."""
PAGE = 1_000

Value = bool | float | str


class _Entry(msgspec.Struct):
    """What matters here of a ledger entry."""

    id: UUID
    request_id: str
    project_id: int | None
    surface: str


_decode = msgspec.json.Decoder(_Entry).decode


@transaction.atomic
def give_feedback(
    caller: Caller, stream: redis.Redis, *, request_id: str, name: str, value: Value, comment: str = ""
) -> Feedback:
    """Keeps the caller's word under `name`, in place of an earlier one.

    Raises `CallNotFound` unless the caller's project has made the call, and `redis.RedisError` where only
    Redis could tell.
    """
    call_id = _call_id(caller, stream, request_id)
    if call_id is None:
        raise CallNotFound(f"this project has made no call {request_id}", param="request_id")
    which: dict[str, Any] = {"project_id": caller.project_id, "request_id": request_id, "name": name}
    row, _ = Feedback.objects.update_or_create(
        **which,
        defaults={**_columns(value), "comment": _storable(comment), "key_name": caller.key_name},
    )
    transaction.on_commit(lambda: _tell_tracers(stream, row, call_id))
    return row


def value_of(row: Feedback) -> Value:
    if row.kind == Feedback.Kind.THUMBS:
        return bool(row.number)
    return row.number if row.number is not None else row.text or ""


def _columns(value: Value) -> dict[str, object]:
    if isinstance(value, bool):
        return {"kind": Feedback.Kind.THUMBS, "number": float(value), "text": None}
    if isinstance(value, str):
        return {"kind": Feedback.Kind.TEXT, "number": None, "text": _storable(value)}
    return {"kind": Feedback.Kind.NUMBER, "number": value, "text": None}


def _tell_tracers(stream: redis.Redis, row: Feedback, call_id: UUID) -> None:
    """The row's id makes a changed mind replace the old score. Traces are no reason to refuse feedback."""
    score = Score(
        id=f"feedback-{row.pk}",
        call_id=call_id,
        name=row.name,
        value=value_of(row),
        comment=row.comment or None,
    )
    with contextlib.suppress(redis.RedisError):
        send_score(stream, score)


def _call_id(caller: Caller, stream: redis.Redis, request_id: str) -> UUID | None:
    """A call that has just ended may be on its way from Redis to Postgres; so Postgres is asked twice."""
    mine = Call.named(request_id, project=caller.project_id).values_list("id", flat=True)
    return mine.first() or _in_stream(caller, stream, request_id) or mine.first()


def _in_stream(caller: Caller, stream: redis.Redis, request_id: str) -> UUID | None:
    newest = "+"
    for _ in range(LOOKED_THROUGH // PAGE):
        page: Any = stream.xrevrange(STREAM, max=newest, count=PAGE)
        for _, fields in page:
            entry = _decode(fields[FIELD.encode()])
            if entry.request_id == request_id and _is_of(entry, caller):
                return entry.id
        if len(page) < PAGE:
            return None
        newest = f"({page[-1][0].decode()}"
    return None


def _is_of(entry: _Entry, caller: Caller) -> bool:
    """As `of_project` says it to Postgres."""
    anonymous = caller.project_id is None
    return entry.project_id == caller.project_id and not (anonymous and entry.surface not in OPEN)


def _storable(text: str) -> str:
    """Postgres takes no NUL."""
    return text.replace("\0", "")
