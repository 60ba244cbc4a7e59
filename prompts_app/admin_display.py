"""How traffic, versions and changes look in the admin."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.contrib.humanize.templatetags.humanize import naturaltime
from django.db.models import OuterRef, QuerySet, Subquery
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from prompts_app import conf, history
from prompts_app.models import Prompt, PromptChange, PromptVersion

STYLES = {"all": ["prompts_app/admin.css"]}
STATUS_COLOURS = {"draft": "warning", "published": "success", "archived": "info"}
COLOURS = 6
"""Of the arms in admin.css."""


def traffic_bar(prompt: Prompt) -> SafeString:
    """What share of calls each version answers, the environment's pin included."""
    shares = live_shares(prompt)
    if not shares:
        why = "archived: callers get “not found”" if prompt.archived else "nothing live yet"
        return format_html('<span class="prompt-quiet">{}</span>', why)
    starts = [sum(percent for _, percent in shares[:number]) for number in range(len(shares))]
    arms = format_html_join(
        "",
        '<rect class="prompt-arm-{}" x="{}%" width="{}%" height="100%"><title>{}: {} %</title></rect>',
        (
            (number % COLOURS, start, percent, label, percent)
            for number, (start, (label, percent)) in enumerate(zip(starts, shares, strict=True))
        ),
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
    # Drawn, and not laid out: a policy for content may forbid styles in the page.
    return format_html('<svg class="prompt-bar">{}</svg><div class="prompt-legend">{}</div>', arms, legend)


def live_shares(prompt: Prompt) -> list[tuple[str, int]]:
    """Version and percent, in the order of the labels; nothing of an archived prompt."""
    if prompt.archived:
        return []
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
