"""The admin's menu: what editors need first, what operators need next, accounts last."""

from collections.abc import Callable
from typing import Any

from django.http import HttpRequest
from django.urls import reverse_lazy

MENU = (
    (
        "Prompts",
        (
            ("Prompts", "chat", "prompts_app.prompt"),
            ("Versions", "history_edu", "prompts_app.promptversion"),
            ("Changes", "history", "prompts_app.promptchange"),
        ),
    ),
    (
        "Evaluation",
        (
            ("Datasets", "dataset", "evals_app.dataset"),
            ("Runs", "science", "evals_app.evalrun"),
            ("Experiments", "experiment", "evals_app.experiment"),
        ),
    ),
    (
        "Traffic",
        (("Calls", "receipt_long", "gateway_app.call"), ("Feedback", "thumb_up", "gateway_app.feedback")),
    ),
    (
        "Operations",
        (
            ("API keys", "key", "gateway_app.apikey"),
            ("Projects", "folder", "gateway_app.project"),
            ("Model prices", "payments", "gateway_app.modelprice"),
            ("Cache purges", "delete_sweep", "gateway_app.cachepurge"),
            ("Webhooks", "webhook", "prompts_app.webhook"),
            ("Webhook deliveries", "outbox", "prompts_app.webhookdelivery"),
        ),
    ),
    ("Accounts", (("Users", "person", "auth.user"), ("Groups", "group", "auth.group"))),
)
"""Section, then title, icon and model of each item."""


def navigation(request: HttpRequest) -> list[dict[str, Any]]:
    """django-unfold's shape."""
    return [
        {"title": section, "separator": True, "items": [_item(*item) for item in items]}
        for section, items in MENU
    ]


def _item(title: str, icon: str, model: str) -> dict[str, Any]:
    app, name = model.split(".")
    link = reverse_lazy(f"admin:{app}_{name}_changelist")
    return {"title": title, "icon": icon, "link": link, "permission": _may_view(app, name)}


def _may_view(app: str, name: str) -> Callable[[HttpRequest], bool]:
    return lambda request: request.user.has_perm(f"{app}.view_{name}")
