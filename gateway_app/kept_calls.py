"""Calls whose words were kept, as others may use them again: one, or those of a kind."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from django.db.models import Exists, OuterRef, QuerySet

from gateway_app.content import is_cut
from gateway_app.exceptions import CallNotFound
from gateway_app.models import Call, CallContent, Feedback
from gateway_app.types import Message

MOST = 100_000
"""Calls that are looked through, the newest first."""
AT_ONCE = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptCall:
    """A call and what was said in it, masked."""

    id: UUID
    request_id: str
    prompt: str | None
    version: str | None
    variables: dict[str, Any] | None
    """What the prompt was filled with; None where that was not kept."""
    messages: tuple[Message, ...]
    """All that was sent, the prompt's own turns first."""
    reply: str | None
    whole: bool
    """Nothing was too long to be kept."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CallFilter:
    """Which calls of a prompt; what is empty does not matter."""

    prompt: str
    version: str = ""
    outcome: str = ""
    feedback: str = ""
    """The name of a feedback."""
    below: float | None = None
    """Only calls whose feedback is a number under that one; a thumb down is 0, one up is 1."""
    since: datetime | None = None
    until: datetime | None = None


def kept_call(call_id: UUID) -> KeptCall | None:
    """None where its words were not kept, or are gone. Raises `CallNotFound`."""
    call = Call.objects.filter(pk=call_id).first()
    if call is None:
        raise CallNotFound(f"The ledger has no call {call_id}.")
    return next(_with_content([call]), None)


def count_calls(which: CallFilter) -> int:
    """Those that there are, whether their words were kept or not; `MOST` at the most."""
    return _rows(which)[:MOST].count()


def kept_ids(which: CallFilter) -> list[UUID]:
    """Of those whose words were kept, in an order that does not change. `MOST` at the most."""
    kept = Exists(CallContent.objects.filter(pk=OuterRef("pk")))
    return list(_rows(which).filter(kept).values_list("pk", flat=True)[:MOST])


def read_calls(ids: Sequence[UUID]) -> Iterator[KeptCall]:
    """In the order of `ids`, as they are needed."""
    for start in range(0, len(ids), AT_ONCE):
        some = ids[start : start + AT_ONCE]
        calls = Call.objects.in_bulk(some)
        yield from _with_content([calls[pk] for pk in some if pk in calls])


def _rows(which: CallFilter) -> QuerySet[Call]:
    rows = Call.objects.filter(prompt_name=which.prompt).order_by("-created_at", "-pk")
    exact: dict[str, object] = {"prompt_version": which.version, "outcome": which.outcome}
    exact |= {"created_at__gte": which.since, "created_at__lt": which.until}
    rows = rows.filter(**{name: value for name, value in exact.items() if value})
    if which.below is None and not which.feedback:
        return rows
    said = Feedback.objects.filter(request_id=OuterRef("request_id"), project_id=OuterRef("project_id"))
    if which.feedback:
        said = said.filter(name=which.feedback)
    if which.below is not None:
        said = said.filter(number__lt=which.below)
    return rows.filter(Exists(said))


def _with_content(calls: Sequence[Call]) -> Iterator[KeptCall]:
    contents = CallContent.objects.in_bulk([call.pk for call in calls])
    for call in calls:
        if content := contents.get(call.pk):
            messages = tuple(msgspec.convert(content.messages, list[Message]))
            texts = [*(message.content for message in messages), *_texts(content.variables)]
            yield KeptCall(
                id=call.pk,
                request_id=call.request_id,
                prompt=call.prompt_name,
                version=call.prompt_version,
                variables=content.variables,
                messages=messages,
                reply=content.reply,
                whole=not any(map(is_cut, texts)),
            )


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for item in value.values() if isinstance(value, dict) else value:
            yield from _texts(item)
