"""The keys that hold now and what they have spent, read from Postgres for the workers."""

from datetime import datetime
from decimal import Decimal

from django.db import connections
from django.db.models import Sum
from django.utils import timezone

from gateway_app.authentication import Keys, KnownKey
from gateway_app.content import ContentPolicy
from gateway_app.limits import Limits, nano_dollars
from gateway_app.models import AccessRevision, ApiKey, Call
from gateway_app.requests import Caller


def load_keys() -> Keys:
    """Every key that is neither revoked nor expired."""
    rows = ApiKey.objects.filter(revoked_at=None).exclude(expires_at__lte=timezone.now())
    try:
        return {key.id: _known(key) for key in rows.select_related("project")}
    finally:
        connections.close_all()


def access_revision() -> int:
    """Grows with every change of a project, a key or a price."""
    try:
        return AccessRevision.objects.values_list("number", flat=True).get()
    finally:
        connections.close_all()


def _known(key: ApiKey) -> KnownKey:
    return KnownKey(
        caller=Caller(
            project_id=key.project_id,
            project=key.project.name,
            key_id=key.id,
            key_name=key.name,
            scopes=frozenset(key.scopes),
            limits=_limits(key),
            allowed_models=frozenset(key.allowed_models),
            allowed_prompts=frozenset(key.allowed_prompts),
            content=ContentPolicy(percent=key.project.content_percent, days=key.project.content_days),
        ),
        secret_hash=key.secret_hash,
        expires_at=key.expires_at.timestamp() if key.expires_at else None,
    )


def _limits(key: ApiKey) -> Limits:
    daily, monthly = key.daily_budget_usd, key.monthly_budget_usd
    return Limits(
        requests_per_minute=key.requests_per_minute,
        tokens_per_minute=key.tokens_per_minute,
        concurrent_requests=key.concurrent_requests,
        daily_budget=None if daily is None else nano_dollars(daily),
        monthly_budget=None if monthly is None else nano_dollars(monthly),
    )


def spent(key_id: str, now: datetime) -> tuple[int, int]:
    """Nano-dollars that the ledger knows of, in the UTC day and month of `now`."""
    day = now.replace(hour=0, minute=0, second=0, microsecond=0)
    try:
        rows = Call.objects.filter(key_id=key_id)
        total = Sum("cost_usd")
        today = rows.filter(created_at__gte=day).aggregate(sum=total)["sum"] or Decimal(0)
        month = rows.filter(created_at__gte=day.replace(day=1)).aggregate(sum=total)["sum"] or Decimal(0)
    finally:
        connections.close_all()
    return nano_dollars(today), nano_dollars(month)
