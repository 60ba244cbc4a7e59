"""What the recorded changes tell: one in words, who came in between, and what to roll back to."""

import csv
import io
import json
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any

from prompts_app.models import Prompt, PromptChange

TRAFFIC_VERBS = ("activate_version", "set_split", "roll_back")
DRAFT_VERBS = ("save_draft", "delete_draft")
"""Their changes hold a draft's words."""
ASIDE = ("save_example", "delete_example", "schedule_change", "cancel_change", "refuse_scheduled")
"""Verbs after which a prompt says and does what it did before: nobody's edit is in conflict with them."""
MAX_ROWS = 20_000
"""Of a CSV file."""
CSV_COLUMNS = ("at", "prompt", "version", "verb", "actor", "door", "why", "before", "after")
SAID = {
    "create_prompt": "created the prompt",
    "describe_prompt": "changed the description",
    "archive_prompt": "archived the prompt",
    "restore_prompt": "restored the prompt",
    "save_draft": "saved draft {version}",
    "delete_draft": "deleted draft {version}",
    "publish_version": "published {version}",
    "archive_version": "archived {version}",
    "restore_version": "restored {version}",
    "activate_version": "made {live} live",
    "set_split": "split traffic",
    "roll_back": "rolled back",
    "save_example": "saved an example",
    "delete_example": "deleted an example",
    "schedule_change": "planned a change",
    "cancel_change": "cancelled a planned change",
    "refuse_scheduled": "could not do what was planned",
}
SILENT = frozenset({"buckets", "split_phase", "status"})
"""Recorded for the machine; a person is told of the split itself, and what was done says the status."""


def describe(change: PromptChange) -> str:
    """One line such as `ada made v2 live at 2026-11-23 12:03 UTC (active version v1 → v2)`."""
    moved = difference(change)
    when = f"{change.at:%Y-%m-%d %H:%M} UTC"
    return f"{change.actor} {title(change)} at {when}" + (f" ({moved})" if moved else "")


def title(change: PromptChange) -> str:
    """What was done, such as `published v2`; whoever did it goes before it."""
    said = SAID.get(change.verb, change.verb.replace("_", " "))
    return said.format(version=change.version, live=change.after.get("active_version"))


def difference(change: PromptChange) -> str:
    """The fields that changed, with the values where they are short; empty for what is new."""
    if not change.before:
        return ""
    names = [name for name in change.after | change.before if name not in SILENT]
    changed = [name for name in names if change.before.get(name) != change.after.get(name)]
    return ", ".join(_move(name, change.before.get(name), change.after.get(name)) for name in changed)


def changes_since(prompt: Prompt, revision: int, *, version: str) -> list[PromptChange]:
    """Newer changes to that version, oldest first; with an empty `version`, to the prompt itself."""
    newer = prompt.changes.filter(version=version, revision__gt=revision).exclude(verb__in=ASIDE)
    return list(newer.order_by("revision"))


def writers(prompt: Prompt, version: str) -> set[str]:
    """Everybody who saved that draft."""
    return set(prompt.changes.filter(version=version, verb="save_draft").values_list("actor", flat=True))


def written_since(prompt: str, moment: datetime) -> set[str]:
    """The drafts of that prompt that somebody saved after that moment."""
    saved = PromptChange.objects.filter(prompt__name=prompt, verb="save_draft", at__gt=moment)
    return set(saved.values_list("version", flat=True))


def previous_traffic(prompt: Prompt) -> dict[str, Any] | None:
    """The active version and split before the last change that no roll back has undone yet."""
    undone = 0
    for change in prompt.changes.filter(verb__in=TRAFFIC_VERBS).order_by("-id").iterator(chunk_size=100):
        if change.verb == "roll_back":
            undone += 1
        elif undone:
            undone -= 1
        else:
            before: dict[str, Any] = change.before
            return before if before["active_version"] or before["traffic_split"] else None
    return None


def csv_lines(changes: Iterable[PromptChange]) -> Iterator[str]:
    """A header and a line for each change."""
    yield _csv_line(CSV_COLUMNS)
    for change in changes:
        values = [
            change.at.isoformat(),
            change.prompt.name,
            *(getattr(change, name) for name in CSV_COLUMNS[2:7]),
        ]
        yield _csv_line([*values, json.dumps(change.before), json.dumps(change.after)])


def _csv_line(values: Iterable[str]) -> str:
    buffer = io.StringIO()
    # A spreadsheet takes a cell that begins like this for a formula.
    csv.writer(buffer).writerow(
        f"'{value}" if value.startswith(tuple("=+-@\t\r")) else value for value in values
    )
    return buffer.getvalue()


def _move(name: str, before: Any, after: Any) -> str:
    old, new = _short(before), _short(after)
    told = name.replace("_", " ")
    return f"{told} {old} → {new}" if len(old) + len(new) <= 120 else told


def _short(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{key} {item}" for key, item in value.items()) or "none"
    return "none" if value in (None, "") else str(value)
