"""How every change is made: lock the prompt, see that nobody came first, save, write it into the history."""

from collections.abc import Callable, Mapping
from typing import Any, NotRequired, TypedDict

from prompts_app import history
from prompts_app.content import is_storable
from prompts_app.exceptions import ChangeRefused, EditConflict, PromptNotFound, VersionNotFound
from prompts_app.models import Prompt, PromptChange, PromptVersion
from prompts_app.webhooks import announce

MAX_TEXT = 10_000


class By(TypedDict):
    """Whose change it is."""

    actor: str
    door: str
    """`admin`, `rest`, `command` or `schedule`."""
    why: NotRequired[str]
    expected_revision: NotRequired[int | None]
    """The revision of the prompt, or of the version, that the actor has seen."""
    may_see: NotRequired[Callable[[str], None]]
    """Raises for a prompt whose text the actor may not read; without it, every text may be read."""


def lock(name: str, by: By, *, version: str = "") -> Prompt:
    try:
        prompt = Prompt.objects.select_for_update().get(name=name)
    except Prompt.DoesNotExist:
        raise PromptNotFound(f"there is no prompt {name}") from None
    seen = by.get("expected_revision")
    if seen is not None and (since := history.changes_since(prompt, seen, version=version)):
        raise EditConflict("changed meanwhile: " + "; ".join(history.describe(change) for change in since))
    return prompt


def find_prompt(name: str) -> Prompt:
    try:
        return Prompt.objects.get(name=name)
    except Prompt.DoesNotExist:
        raise PromptNotFound(f"there is no prompt {name}") from None


def find_version(prompt: Prompt, label: str) -> PromptVersion:
    # Postgres refuses to look for what it cannot store.
    version = prompt.versions.filter(label=label).first() if is_storable(label) else None
    if version is None:
        raise VersionNotFound(f"{prompt.name} has no version {label}")
    return version


def find_published(prompt: Prompt, label: str) -> PromptVersion:
    version = find_version(prompt, label)
    if version.status != PromptVersion.Status.PUBLISHED:
        raise ChangeRefused(f"{label} is {version.status}, not published")
    return version


def check_text(what: str, text: str) -> None:
    """Raises `ChangeRefused` for a text that is too long or that Postgres cannot store."""
    if len(text) > MAX_TEXT:
        raise ChangeRefused(f"{what}: at most {MAX_TEXT} characters")
    if not is_storable(text):
        raise ChangeRefused(f"{what}: holds a character that cannot be stored")


def record(
    prompt: Prompt,
    verb: str,
    *,
    before: Mapping[str, Any],
    after: Mapping[str, Any],
    by: By,
    version: PromptVersion | None = None,
    label: str = "",
) -> None:
    """Saves the locked rows under the next revision, with the change that made it; webhooks are told."""
    check_text("why", by.get("why", ""))
    prompt.revision += 1
    prompt.save()
    if version is not None:
        version.revision = prompt.revision
        version.save()
    change = PromptChange.objects.create(
        prompt=prompt,
        version=version.label if version else label,
        verb=verb,
        actor=by["actor"],
        door=by["door"],
        why=by.get("why", ""),
        before=before,
        after=after,
        revision=prompt.revision,
    )
    announce(change)
