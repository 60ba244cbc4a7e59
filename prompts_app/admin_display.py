"""How traffic, versions and changes look in the admin."""

import json
import re
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.contrib.humanize.templatetags.humanize import naturaltime
from django.db.models import OuterRef, QuerySet, Subquery
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from prompts_app import conf, history
from prompts_app.models import Prompt, PromptChange, PromptVersion
from prompts_app.rendering import PLACEHOLDER

STYLES = {"all": ["prompts_app/admin.css"]}
STATUS_COLOURS = {"draft": "warning", "published": "success", "archived": "info"}
COLOURS = 6
"""Of the arms in admin.css."""


def traffic_bar(prompt: Prompt) -> SafeString:
    """What share of calls each version answers, the environment's pin included."""
    shares = live_shares(prompt)
    if not shares:
        return format_html('<span class="prompt-quiet">{}</span>', "nothing live yet")
    arms = format_html_join(
        "",
        '<span class="prompt-arm prompt-arm-{}" style="flex-grow:{}" title="{}: {} %"></span>',
        ((number % COLOURS, percent, label, percent) for number, (label, percent) in enumerate(shares)),
    )
    alone = " pinned" if conf.pin(prompt.name) else ""
    legend = format_html_join(
        "",
        '<span class="prompt-key"><i class="prompt-dot prompt-arm-{}"></i>{}{}</span>',
        (
            (number % COLOURS, label, f" {percent} %" if len(shares) > 1 else alone)
            for number, (label, percent) in enumerate(shares)
        ),
    )
    return format_html('<div class="prompt-bar">{}</div><div class="prompt-legend">{}</div>', arms, legend)


def live_shares(prompt: Prompt) -> list[tuple[str, int]]:
    """Version and percent, in the order of the labels."""
    if pinned := conf.pin(prompt.name):
        return [(pinned, 100)]
    if prompt.traffic_split:
        return sorted((label, percent) for label, percent in prompt.traffic_split.items() if percent)
    return [(prompt.active_version.label, 100)] if prompt.active_version else []


def pin_warning(prompt: Prompt) -> str:
    """Empty where the environment leaves the choice to the admin."""
    pinned = conf.pin(prompt.name)
    if pinned is None:
        return ""
    variable = prompt.name.upper().replace("-", "_") + "_PROMPT_VERSION"
    return f"{variable} pins this prompt to {pinned}: what is chosen here takes effect when the pin is gone."


def with_last_change(prompts: QuerySet[Prompt]) -> QuerySet[Prompt]:
    """Adds `last_actor`, `last_at` and `last_why`."""
    newest = PromptChange.objects.filter(prompt=OuterRef("pk")).order_by("-id")
    return prompts.annotate(
        **{f"last_{name}": Subquery(newest.values(name)[:1]) for name in ("actor", "at", "why")}
    )


def last_change(row: Prompt) -> SafeString:
    """For a row of `with_last_change`."""
    if row.last_at is None:  # type: ignore[attr-defined]
        return SafeString("-")
    why = row.last_why  # type: ignore[attr-defined]
    return format_html(
        '{} <span class="prompt-quiet">{}{}</span>',
        row.last_actor,  # type: ignore[attr-defined]
        naturaltime(row.last_at),  # type: ignore[attr-defined]
        f" · {why}" if why else "",
    )


def template_text(text: str) -> SafeString:
    """A template to read: its placeholders marked."""
    pieces = re.split(f"({PLACEHOLDER.pattern.replace('(', '(?:')})", text)
    marked = format_html_join(
        "",
        "{}",
        (
            (format_html("<mark>{}</mark>", piece) if number % 2 else piece,)
            for number, piece in enumerate(pieces)
        ),
    )
    return format_html('<pre class="prompt-text">{}</pre>', marked)


def version_facts(version: PromptVersion) -> list[tuple[str, SafeString]]:
    """What a version says besides its texts, what is empty left out."""
    shown = {
        "model": version.model,
        "parameters": version.parameters,
        "variables": version.variables,
        "response schema": version.response_schema,
        "notes": version.notes,
    }
    return [(name, _fact(value)) for name, value in shown.items() if value]


def _fact(value: Any) -> SafeString:
    text = value if isinstance(value, str) else json.dumps(value, indent=2, ensure_ascii=False)
    return format_html('<pre class="prompt-text">{}</pre>', text)


def signed(who: str, at: datetime) -> str:
    """`ada · 3 minutes ago`."""
    return f"{who} · {naturaltime(at)}"


def change_row(change: PromptChange) -> dict[str, str]:
    return {
        "title": history.title(change),
        "what": history.difference(change),
        "why": change.why,
        "signed": signed(change.actor, change.at),
    }


def version_row(
    version: PromptVersion, *, share: int | None, buttons: Sequence[tuple[Any, str]]
) -> dict[str, Any]:
    return {
        "row": version,
        "buttons": [(verb, url) for verb, url in buttons if verb.slug in ("publish", "make-live")],
        "colour": STATUS_COLOURS[version.status],
        "share": share,
        "signed": signed(version.author, version.updated_at),
    }
