"""What the page of one call shows."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.urls import reverse

from gateway_app import ledger_rows
from gateway_app.admin.call_links import Link, call_links
from gateway_app.explanation import Explanation, Moment, explain
from gateway_app.models import Call, CallContent, Feedback, ModelPrice
from gateway_app.prices import price_of
from prompts_app.exceptions import PromptError
from prompts_app.registry import registry

CONTENT = "gateway_app.view_callcontent"
"""The permission to read what was said."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """A moment as a bar: `left` and `width` in percent of the whole time."""

    moment: Moment
    left: float
    width: float


@dataclass(frozen=True, slots=True, kw_only=True)
class CallPage:
    call: Call
    explanation: Explanation
    bars: tuple[Bar, ...]
    facts: tuple[tuple[str, Any], ...]
    price: ModelPrice | None
    version_url: str | None
    content: CallContent | None
    links: tuple[Link, ...]
    feedback: tuple[Feedback, ...]


def call_page(call: Call, reader: Any) -> CallPage:
    price = ModelPrice.objects.filter(pk=call.price_id).first() if call.price_id else None
    explanation = explain(ledger_rows.record(call), price_of(price) if price else None)
    content = CallContent.objects.filter(pk=call.pk).first() if reader.has_perm(CONTENT) else None
    said = Feedback.objects.filter(project=call.project_id, request_id=call.request_id)
    return CallPage(
        call=call,
        explanation=explanation,
        bars=tuple(_bars(explanation.moments)),
        facts=tuple(_facts(call, explanation)),
        price=price,
        version_url=_version_url(call),
        content=content,
        links=call_links(call, content, reader),
        feedback=tuple(said),
    )


def _bars(moments: tuple[Moment, ...]) -> list[Bar]:
    first = min(moment.start for moment in moments)
    whole = max(moment.end for moment in moments) - first or 1.0
    return [_bar(moment, first, whole) for moment in moments]


def _bar(moment: Moment, first: float, whole: float) -> Bar:
    width = max(0.4, 100 * moment.took / whole)
    return Bar(moment=moment, left=min(100 * (moment.start - first) / whole, 100 - width), width=width)


def _facts(call: Call, explanation: Explanation) -> list[tuple[str, Any]]:
    speed = explanation.tokens_per_second
    found: Mapping[str, Any] = {
        "Project": call.project_name or "anonymous",
        "Key": f"{call.key_name or 'unnamed'} (gw_{call.key_id}_…)" if call.key_id else None,
        "Surface": f"{call.surface}, {'streamed' if call.streamed else 'whole'}",
        "Model": call.model,
        "Answered by": call.model_served if call.model_served != call.model else None,
        "Provider": call.provider,
        "Temperature": call.temperature,
        "Longest reply": f"{call.max_tokens:,} tokens" if call.max_tokens else None,
        "Parameters": ", ".join(f"{name} {value}" for name, value in call.parameters.items()) or None,
        "Finish reason": call.finish_reason,
        "Speed": f"{speed:,.0f} tokens/s" if speed else None,
        "Session": call.session_id,
        "Unit": call.unit_hash,
        "Trace": call.trace_id,
        "Cache key": call.cache_key,
    }
    return [(name, value) for name, value in found.items() if value is not None]


def _version_url(call: Call) -> str | None:
    """The version's own page, as long as the registry has it."""
    if not (call.prompt_name and call.prompt_version):
        return None
    try:
        registry.catch_up()
        version = registry.prompt(call.prompt_name).versions.get(call.prompt_version)
    except PromptError:
        return None
    return reverse("admin:prompts_app_promptversion_change", args=[version.id]) if version else None
