"""Changes that happen by themselves at a time: planned, cancelled, and done once when they are due."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Unpack

from django.db import transaction
from django.utils import timezone

from prompts_app import services
from prompts_app.changes import By, find_version, lock, record
from prompts_app.exceptions import ChangeRefused, PromptError
from prompts_app.models import Prompt, PromptVersion, ScheduledChange

State = ScheduledChange.State
Action = ScheduledChange.Action
MAX_WAITING = 50
"""Of one prompt."""
FURTHEST = timedelta(days=366)
AT_ONCE = 100
"""Due changes done by one call of `apply_due`."""


@transaction.atomic
def schedule_change(
    *,
    prompt: str,
    action: str,
    at: datetime,
    version: str = "",
    split: Mapping[str, int] | None = None,
    **by: Unpack[By],
) -> ScheduledChange:
    """Plans to publish `version`, to make it live (publishing a draft first) or to set `split`, at that time.

    Raises `ChangeRefused` for a time that has passed, and for what would be refused if it were done now.
    """
    owner = lock(prompt, by)
    now = timezone.now()
    if not now < at <= now + FURTHEST:
        raise ChangeRefused("the time must be in the future, within a year")
    if owner.scheduled.filter(state=State.WAITING).count() >= MAX_WAITING:
        raise ChangeRefused(f"{prompt} has {MAX_WAITING} scheduled changes: cancel one first")
    change = ScheduledChange(
        prompt=owner,
        action=action,
        version=version,
        digest=_draft_digest(owner, version),
        split=dict(split or {}),
        at=at,
        author=by["actor"],
        why=by.get("why", ""),
    )
    _rehearse(change, by)
    change.save()
    record(owner, "schedule_change", before={}, after=_plan(change), by=by)
    return change


@transaction.atomic
def cancel_change(*, prompt: str, change: int, **by: Unpack[By]) -> ScheduledChange:
    """Raises `ChangeRefused` when it is done or cancelled already."""
    owner = lock(prompt, by)
    row = _take(owner, change)
    if row is None:
        raise ChangeRefused("that change is not waiting any more")
    _end(row, State.CANCELLED)
    record(owner, "cancel_change", before=_plan(row), after={}, by=by)
    return row


def apply_due(*, until: datetime) -> int:
    """Does what was planned for `until` or earlier, in the order of the times; returns how many were done.

    Each is done once, however many processes call this. What a rule now forbids is refused, not tried again.
    """
    due = ScheduledChange.objects.filter(state=State.WAITING, at__lte=until).order_by("at", "id")
    found = list(due.values_list("prompt__name", "pk")[:AT_ONCE])
    return sum(_apply(prompt, pk) for prompt, pk in found)


@transaction.atomic
def _apply(prompt: str, pk: int) -> bool:
    by: By = {"actor": "scheduler", "door": "schedule"}
    owner = lock(prompt, by)
    change = _take(owner, pk)
    if change is None:
        return False
    try:
        with transaction.atomic():
            _do(change, By(actor=change.author, door="schedule", why=change.why))
    except PromptError as exc:
        _end(change, State.REFUSED, outcome=str(exc))
        record(owner, "refuse_scheduled", before=_plan(change), after={"because": str(exc)}, by=by)
        return False
    _end(change, State.DONE)
    return True


def _take(prompt: Prompt, pk: int) -> ScheduledChange | None:
    """Where the prompt is locked already, so that everybody locks in the same order."""
    return prompt.scheduled.select_for_update().filter(pk=pk, state=State.WAITING).first()


def _rehearse(change: ScheduledChange, by: By) -> None:
    before = transaction.savepoint()
    _do(change, by)
    transaction.savepoint_rollback(before)


def _do(change: ScheduledChange, by: By) -> None:
    prompt = change.prompt
    if change.action == Action.SPLIT:
        if not change.split:
            raise ChangeRefused("a split names at least one version")
        services.set_split(prompt=prompt.name, split=change.split, **by)
        return
    version = find_version(prompt, change.version)
    draft = version.status == PromptVersion.Status.DRAFT
    if draft and change.digest not in ("", version.digest):
        raise ChangeRefused(
            f"{version.label} was edited after this was planned: look at it and plan it again"
        )
    if draft or change.action == Action.PUBLISH:
        services.publish_version(prompt=prompt.name, version=change.version, **by)
    if change.action == Action.MAKE_LIVE:
        services.activate_version(prompt=prompt.name, version=change.version, **by)


def _draft_digest(prompt: Prompt, version: str) -> str:
    draft = prompt.versions.filter(label=version, status=PromptVersion.Status.DRAFT).first()
    return draft.digest if draft else ""


def _end(change: ScheduledChange, state: str, *, outcome: str = "") -> None:
    change.state, change.outcome, change.ended_at = state, outcome, timezone.now()
    change.save()


def _plan(change: ScheduledChange) -> dict[str, Any]:
    what: dict[str, Any] = {"split": change.split} if change.split else {"version": change.version}
    return {"at": change.at.isoformat(), "action": change.action} | what
