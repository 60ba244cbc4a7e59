"""Two versions side by side."""

import json
from dataclasses import dataclass
from typing import Any

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from prompts_app.content import FIELDS, VersionContent
from prompts_app.diffing import Diff, Piece, diff
from prompts_app.exceptions import PromptError
from prompts_app.models import Prompt, PromptVersion
from prompts_app.samples import sample_values

SAMPLE = "rendered with sample values"


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One field of both versions."""

    name: str
    old: SafeString
    new: SafeString
    same: bool


def compare(old: VersionContent, new: VersionContent) -> list[Row]:
    """The fields that have something to show, and both versions rendered with the same sample."""
    before, after = old.as_json(), new.as_json()
    texts = [(name, _text(before[name]), _text(after[name])) for name in FIELDS]
    rendered_old, rendered_new = _rendered(old, new)
    texts.append((SAMPLE, rendered_old, rendered_new))
    return [_row(name, diff(one, other)) for name, one, other in texts if one or other]


def pick(
    prompt: Prompt, old: str | None, new: str | None
) -> tuple[PromptVersion | None, PromptVersion | None]:
    """The versions asked for; else the live one and the newest other one."""
    rows = list(prompt.versions.order_by("-id"))
    by_label = {row.label: row for row in rows}
    live = max(prompt.traffic_split, key=prompt.traffic_split.__getitem__, default=None) or str(
        prompt.active_version or ""
    )
    left = by_label.get(old or live) or (rows[-1] if rows else None)
    right = by_label.get(new or "") or next((row for row in rows if row != left), left)
    return left, right


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    return json.dumps(value, indent=2, ensure_ascii=False) if value else ""


def _rendered(old: VersionContent, new: VersionContent) -> tuple[str, str]:
    """Each version knows its own variables; those that both know have one value."""
    shared = _sample(old) | _sample(new)
    return _render(old, shared), _render(new, shared)


def _sample(content: VersionContent) -> dict[str, Any]:
    try:
        return sample_values(content.variables, used=content.schema.used)
    except PromptError:
        return {}


def _render(content: VersionContent, values: dict[str, Any]) -> str:
    try:
        own = {name: value for name, value in values.items() if name in content.schema.known}
        return "\n\n".join(f"{role}:\n{text}" for role, text in content.render(own))
    except PromptError as exc:
        return str(exc)


def _row(name: str, found: Diff) -> Row:
    return Row(
        name=name.replace("_", " "), old=_side(found.old, "del"), new=_side(found.new, "ins"), same=found.same
    )


def _side(pieces: tuple[Piece, ...], mark: str) -> SafeString:
    marked = format_html_join(
        "", "{}", ((format_html(f"<{mark}>{{}}</{mark}>", p.text) if p.changed else p.text,) for p in pieces)
    )
    return format_html('<pre class="prompt-text">{}</pre>', marked)
