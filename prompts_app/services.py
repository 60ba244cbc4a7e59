"""The verbs: the only code that writes prompts. Each is one transaction and leaves its `PromptChange`.

All raise `PromptNotFound` or `VersionNotFound` for what is not there, `ChangeRefused` for what a rule
forbids, and `EditConflict` when `expected_revision` is given and somebody else changed the same thing since.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Unpack

from django.db import transaction
from django.utils.timezone import now

from prompts_app import conf, history, partials, publish_checks
from prompts_app.changes import By, check_text, find_published, find_version, lock, record
from prompts_app.content import LABEL, NAME, VersionContent, check_storable, problems
from prompts_app.exceptions import ChangeRefused
from prompts_app.models import Prompt, PromptVersion, columns
from prompts_app.splitting import BUCKETS, allocate

Status = PromptVersion.Status


@transaction.atomic
def create_prompt(*, name: str, description: str = "", **by: Unpack[By]) -> Prompt:
    if not re.fullmatch(NAME, name):
        raise ChangeRefused(
            f"{name!r} is no prompt name: 1 to 64 of a-z, 0-9, _ and -, the first a letter or a digit"
        )
    check_text("description", description)
    prompt, created = Prompt.objects.get_or_create(name=name, defaults={"description": description})
    if not created:
        raise ChangeRefused(f"there is a prompt {name} already")
    record(prompt, "create_prompt", before={}, after={"description": description}, by=by)
    return prompt


@transaction.atomic
def describe_prompt(*, prompt: str, description: str, **by: Unpack[By]) -> Prompt:
    check_text("description", description)
    row = lock(prompt, by)
    if row.description != description:
        before, row.description = row.description, description
        record(
            row,
            "describe_prompt",
            before={"description": before},
            after={"description": description},
            by=by,
        )
    return row


@transaction.atomic
def archive_prompt(*, prompt: str, **by: Unpack[By]) -> Prompt:
    """Takes the prompt out of service; callers get "not found" until it is restored."""
    return _set_archived(prompt, True, "archive_prompt", by)


@transaction.atomic
def restore_prompt(*, prompt: str, **by: Unpack[By]) -> Prompt:
    return _set_archived(prompt, False, "restore_prompt", by)


@transaction.atomic
def save_draft(*, prompt: str, version: str, content: VersionContent, **by: Unpack[By]) -> PromptVersion:
    """Creates the draft or replaces its content. A draft may be unfinished; publishing checks it."""
    if not re.fullmatch(LABEL, version):
        raise ChangeRefused(f"{version!r} is no version: 1 to 32 of letters, digits, '.', '_' and '-'")
    check_storable(content)
    owner = lock(prompt, by, version=version)
    draft = owner.versions.filter(label=version).first()
    if draft is None:
        draft = PromptVersion(prompt=owner, label=version, author=by["actor"])
        before: dict[str, Any] = {}
    elif draft.status != Status.DRAFT:
        raise ChangeRefused(f"{version} is {draft.status} and cannot change: save a new version")
    else:
        before = draft.content.as_json()
    if draft.digest == content.digest:
        return draft
    draft.partials = included(owner.name, content, may_see=by.get("may_see"))
    for name, value in columns(content).items():
        setattr(draft, name, value)
    after = content.as_json()
    changed = [name for name in after if before.get(name) != after[name]]
    before, after = ({name: side[name] for name in changed if name in side} for side in (before, after))
    record(owner, "save_draft", version=draft, before=before, after=after, by=by)
    return draft


@transaction.atomic
def delete_draft(*, prompt: str, version: str, **by: Unpack[By]) -> None:
    owner = lock(prompt, by, version=version)
    draft = find_version(owner, version)
    if draft.status != Status.DRAFT:
        raise ChangeRefused(f"{version} is {draft.status}: only drafts can be deleted")
    draft.delete()
    record(owner, "delete_draft", label=version, before=draft.content.as_json(), after={}, by=by)


@transaction.atomic
def publish_version(*, prompt: str, version: str, **by: Unpack[By]) -> PromptVersion:
    """Freezes the draft for ever and lets it be made live. Raises `ChangeRefused` naming all its problems."""
    owner = lock(prompt, by, version=version)
    draft = find_version(owner, version)
    if draft.status != Status.DRAFT:
        raise ChangeRefused(f"{version} is {draft.status} already")
    if conf.require_review() and by["actor"] in history.writers(owner, version):
        raise ChangeRefused(f"{by['actor']} wrote {version}: somebody else must review and publish it")
    draft.partials = included(owner.name, draft.content, may_see=by.get("may_see"))
    if found := problems(draft.content):
        raise ChangeRefused(f"{version} cannot be published: " + "; ".join(found))
    if against := publish_checks.objections(draft):
        says = " ".join(objection.says for objection in against)
        raise ChangeRefused(f"{version} cannot be published: {says}")
    draft.published_at, draft.published_by = now(), by["actor"]
    return _set_status(owner, draft, Status.PUBLISHED, "publish_version", by)


@transaction.atomic
def archive_version(*, prompt: str, version: str, **by: Unpack[By]) -> PromptVersion:
    """Takes a published version out of choice; it must not be live."""
    owner = lock(prompt, by, version=version)
    row = find_published(owner, version)
    if owner.active_version_id == row.pk or version in owner.traffic_split:
        raise ChangeRefused(f"{version} is live: make another version live first")
    return _set_status(owner, row, Status.ARCHIVED, "archive_version", by)


@transaction.atomic
def restore_version(*, prompt: str, version: str, **by: Unpack[By]) -> PromptVersion:
    owner = lock(prompt, by, version=version)
    row = find_version(owner, version)
    if row.status != Status.ARCHIVED:
        raise ChangeRefused(f"{version} is not archived")
    return _set_status(owner, row, Status.PUBLISHED, "restore_version", by)


@transaction.atomic
def activate_version(*, prompt: str, version: str, **by: Unpack[By]) -> Prompt:
    """Sends everything to that version; a split ends."""
    row = lock(prompt, by)
    return _direct(row, "activate_version", active=find_published(row, version), split={}, by=by)


@transaction.atomic
def set_split(
    *, prompt: str, split: Mapping[str, int], active_version: str | None = None, **by: Unpack[By]
) -> Prompt:
    """Divides traffic by whole percents; an empty split sends everything to the active version.

    `active_version` changes that one in the same step.
    """
    row = lock(prompt, by)
    active = find_published(row, active_version) if active_version else row.active_version
    _check_split(row, split)
    return _direct(row, "set_split", active=active, split=split, by=by)


@transaction.atomic
def roll_back(*, prompt: str, **by: Unpack[By]) -> Prompt:
    """Returns to the active version and split before the last change; once more, to those before them."""
    row = lock(prompt, by)
    target = history.previous_traffic(row)
    if target is None:
        raise ChangeRefused("there is nothing to roll back to")
    active = find_published(row, target["active_version"]) if target["active_version"] else None
    _check_split(row, target["traffic_split"])
    return _direct(
        row,
        "roll_back",
        active=active,
        split=target["traffic_split"],
        buckets=target["buckets"],
        by=by,
    )


def included(
    prompt: str, content: VersionContent, *, may_see: Callable[[str], None] | None = None
) -> dict[str, str]:
    """What the content includes of other prompts as they are live now; `may_see` is asked of each."""

    def live(name: str) -> tuple[str, Mapping[str, str]]:
        # Before it is looked for: whether there is such a prompt is not to be told either.
        if may_see:
            may_see(name)
        return _live_text(name)

    return partials.collect(prompt, content.texts, live=live)


def _live_text(name: str) -> tuple[str, Mapping[str, str]]:
    row = PromptVersion.objects.filter(active_for__name=name, active_for__archived=False).first()
    if row is None:
        raise ChangeRefused(f"there is no live prompt {name} to include")
    return row.user, row.partials


def _check_split(prompt: Prompt, split: Mapping[str, int]) -> None:
    for label, percent in split.items():
        if type(percent) is not int or not 0 <= percent <= BUCKETS:
            raise ChangeRefused(f"{label}: a share is a whole percent from 0 to 100")
        find_published(prompt, label)
    if split and sum(split.values()) != BUCKETS:
        raise ChangeRefused(f"the shares sum up to {sum(split.values())}, not to 100")


def _direct(
    prompt: Prompt,
    verb: str,
    *,
    active: PromptVersion | None,
    split: Mapping[str, int],
    by: By,
    buckets: list[str] | None = None,
) -> Prompt:
    before = _traffic(prompt)
    if (before["active_version"], before["traffic_split"]) == (active and active.label, split):
        return prompt
    former = buckets or _owners(prompt)
    prompt.active_version, prompt.traffic_split = active, dict(split)
    prompt.buckets = list(allocate(split, former=former)) if split else []
    prompt.split_phase += 1
    record(prompt, verb, before=before, after=_traffic(prompt), by=by)
    return prompt


def _owners(prompt: Prompt) -> Sequence[str]:
    """Who has each bucket now."""
    if prompt.traffic_split:
        return allocate(prompt.traffic_split, former=prompt.buckets)
    return [prompt.active_version.label] * BUCKETS if prompt.active_version else []


def _traffic(prompt: Prompt) -> dict[str, Any]:
    return {
        "active_version": prompt.active_version.label if prompt.active_version else None,
        "traffic_split": prompt.traffic_split,
        "split_phase": prompt.split_phase,
        "buckets": prompt.buckets,
    }


def _set_archived(name: str, archived: bool, verb: str, by: By) -> Prompt:
    prompt = lock(name, by)
    if prompt.archived != archived:
        prompt.archived = archived
        record(prompt, verb, before={"archived": not archived}, after={"archived": archived}, by=by)
    return prompt


def _set_status(prompt: Prompt, version: PromptVersion, status: str, verb: str, by: By) -> PromptVersion:
    before, version.status = version.status, status
    record(prompt, verb, version=version, before={"status": before}, after={"status": status}, by=by)
    return version
