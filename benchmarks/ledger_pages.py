"""Which pages there are of a ledger. To be asked after `django.setup()`."""

from collections.abc import Iterator
from typing import Any, NamedTuple

GROUPS = (
    *("", "day", "month", "model", "key", "prompt", "prompt_version", "surface"),
    *("day,model", "day,key", "day,prompt", "day,surface", "day,prompt_version"),
    *("month,model", "month,key,model", "month,key,prompt_version", "month,model,prompt_version,surface"),
    "model,key,prompt_version,surface",
)


class Page(NamedTuple):
    name: str
    address: str
    key: str | None = None
    """Of the API; None for the admin."""


def pages() -> Iterator[Page]:
    from gateway_app.models import Call

    some = Call.objects.exclude(prompt_name=None).filter(project_name="synthetic").order_by("created_at")
    newest = some.last()
    assert newest, "no calls of synthesize_calls here"
    yield from _dashboards()
    yield from _usage(newest)
    yield from _lists(newest, oldest=some.first())
    yield from _others(newest)


def _dashboards() -> Iterator[Page]:
    from gateway_app.dashboard.spans import SPANS

    for name, span in SPANS.items():
        yield Page(f"dashboard, {span.label}", f"/admin/?by={name}")


def _usage(call: Any) -> Iterator[Page]:
    from datetime import timedelta

    from gateway_app.access import create_key
    from gateway_app.models import ApiKey

    ApiKey.objects.filter(name="bench").delete()
    key = str(create_key(project=call.project_name, name="bench", scopes=["usage:read"]))
    last = call.created_at.date()
    filters = {
        "model": call.model,
        "key": call.key_id,
        "prompt": call.prompt_name,
        "version": call.prompt_version,
        "surface": call.surface,
    }
    spans = {days: f"from={last - timedelta(days=days)}&to={last}" for days in (29, 359, 790)}
    for days, span in spans.items():
        for group in GROUPS:
            yield Page(f"usage, {days + 1} days by {group or 'nothing'}", f"/usage?{span}&group={group}", key)
    for group in ("", "day", "day,model", "month,key,prompt_version"):
        for name, value in {**filters, "model ": "no-such-model"}.items():
            address = f"/usage?{spans[359]}&group={group}&{name.strip()}={value}"
            yield Page(f"usage, 360 days by {group or 'nothing'}, {name.strip()}={value}", address, key)
    yield Page("usage, 360 days by day as CSV", f"/usage?{spans[359]}&group=day&format=csv", key)


def _lists(newest: Any, *, oldest: Any) -> Iterator[Page]:
    from django.contrib import admin
    from django.contrib.auth.models import User
    from django.test import RequestFactory

    from gateway_app.admin.filters import FILTERS
    from gateway_app.models import Call

    page = "/admin/gateway_app/call/"
    for query in ("", "?p=2", "?p=1000", f"?q={newest.request_id}", f"?q={oldest.request_id}", "?q=nowhere"):
        yield Page(f"calls {query}", page + query)
    request = RequestFactory().get(page)
    request.user = User.objects.get(username="bench")
    model_admin = admin.site._registry[Call]
    for kind in FILTERS:
        chosen = kind(request, {}, Call, model_admin)
        values = [value for value, _ in chosen.lookups(request, model_admin) or ()]
        for value in [*values, "no-such-value"]:
            yield Page(f"calls ?{kind.parameter_name}={value}", f"{page}?{kind.parameter_name}={value}")
    for query in (
        "outcome=error&cache=MISS&since=week",
        "model=gemini-9-unpriced&outcome=error&prompt_name=none",
    ):
        yield Page(f"calls ?{query}", f"{page}?{query}")


def _others(call: Any) -> Iterator[Page]:
    yield Page("call, its page", f"/admin/gateway_app/call/{call.pk}/change/")
    from prompts_app.models import Prompt

    prompt = Prompt.objects.get(name=call.prompt_name)
    yield Page("prompt, its page", f"/admin/prompts_app/prompt/{prompt.pk}/change/")
    yield Page("prompts", "/admin/prompts_app/prompt/")
    yield Page("project, its page", f"/admin/gateway_app/project/{call.project_id}/change/")
    yield Page("key, its page", f"/admin/gateway_app/apikey/{call.key_id}/change/")
    for name in ("project", "apikey", "modelprice", "feedback", "cachepurge"):
        yield Page(f"{name}, the list", f"/admin/gateway_app/{name}/")
