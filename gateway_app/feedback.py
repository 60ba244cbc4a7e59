"""What people think of calls: the verb that keeps it."""

from typing import Any

import msgspec
import redis
from django.db import transaction

from gateway_app.exceptions import CallNotFound
from gateway_app.ledger import FIELD, STREAM
from gateway_app.models import Call, Feedback
from gateway_app.requests import Caller

LOOKED_THROUGH = 20_000
"""Entries of the stream, the newest first, that are searched for a call that is not in Postgres yet."""
PAGE = 1_000

Value = bool | float | str


class _Entry(msgspec.Struct):
    """What matters here of a ledger entry."""

    request_id: str
    project_id: int | None


_decode = msgspec.json.Decoder(_Entry).decode


@transaction.atomic
def give_feedback(
    caller: Caller, stream: redis.Redis, *, request_id: str, name: str, value: Value, comment: str = ""
) -> Feedback:
    """Keeps the caller's word under `name`, in place of an earlier one.

    Raises `CallNotFound` unless the caller's project has made the call, and `redis.RedisError` where only
    Redis could tell.
    """
    if not _known(caller, stream, request_id):
        raise CallNotFound(f"this project has made no call {request_id}", param="request_id")
    which: dict[str, Any] = {"project_id": caller.project_id, "request_id": request_id, "name": name}
    row, _ = Feedback.objects.update_or_create(
        **which,
        defaults={**_columns(value), "comment": _storable(comment), "key_name": caller.key_name},
    )
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


def _known(caller: Caller, stream: redis.Redis, request_id: str) -> bool:
    """A call that has just ended may be on its way from Redis to Postgres; so Postgres is asked twice."""
    mine = Call.objects.filter(request_id=request_id, project=caller.project_id)
    return mine.exists() or _in_stream(caller, stream, request_id) or mine.exists()


def _in_stream(caller: Caller, stream: redis.Redis, request_id: str) -> bool:
    newest = "+"
    for _ in range(LOOKED_THROUGH // PAGE):
        page: Any = stream.xrevrange(STREAM, max=newest, count=PAGE)
        for _, fields in page:
            entry = _decode(fields[FIELD.encode()])
            if (entry.request_id, entry.project_id) == (request_id, caller.project_id):
                return True
        if len(page) < PAGE:
            return False
        newest = f"({page[-1][0].decode()}"
    return False


def _storable(text: str) -> str:
    """Postgres takes no NUL."""
    return text.replace("\0", "")
