"""Projects and keys: the verbs that change them."""

from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal
from functools import partial
from typing import Any, TypedDict, Unpack

import redis
import structlog
from django.db import transaction
from django.utils import timezone

from gateway_app import conf
from gateway_app.keys import KeyText, hash_secret, new_key
from gateway_app.limits import spent_names
from gateway_app.models import ApiKey, Project

log = structlog.get_logger()

SCOPES = ("chat", "prompts:read", "prompts:write", "usage:read", "feedback", "experiments:read")
"""What a key may be allowed to do."""

USUAL_SCOPES = ("chat", "prompts:read", "usage:read", "feedback")


class KeyLimits(TypedDict, total=False):
    """What a key may use; what is left out or None is unlimited, an empty list allows all."""

    requests_per_minute: int | None
    tokens_per_minute: int | None
    concurrent_requests: int | None
    daily_budget_usd: Decimal | None
    monthly_budget_usd: Decimal | None
    allowed_models: list[str]
    allowed_prompts: list[str]


@transaction.atomic
def create_key(
    *,
    project: str,
    name: str,
    scopes: Iterable[str] = USUAL_SCOPES,
    expires_at: datetime | None = None,
    **limits: Unpack[KeyLimits],
) -> KeyText:
    """Makes a key (and its project, where that is new). The text is known now and never again.

    Raises `ValueError` for an unknown scope or a limit below what makes sense.
    """
    check_limits(limits)
    chosen = sorted(set(scopes))
    if unknown := set(chosen) - set(SCOPES):
        raise ValueError(f"unknown scope: {', '.join(sorted(unknown))}; there are {', '.join(SCOPES)}")
    owner, _ = Project.objects.get_or_create(name=project)
    text = new_key()
    ApiKey.objects.create(
        id=text.id,
        project=owner,
        name=name,
        secret_hash=hash_secret(text.secret),
        scopes=chosen,
        expires_at=expires_at,
        **limits,
    )
    return text


@transaction.atomic
def set_limits(key: ApiKey, **limits: Unpack[KeyLimits]) -> None:
    """Changes the limits that are given, in every worker within a second. Raises `ValueError` as above."""
    check_limits(limits)
    rows = ApiKey.objects.filter(pk=key.pk)
    counted = rows.select_for_update().exclude(daily_budget_usd=None, monthly_budget_usd=None).exists()
    rows.update(**limits)
    if not counted:
        transaction.on_commit(partial(_forget_spending, key.pk))


def _forget_spending(key_id: str) -> None:
    """Redis has counted no call since the key's last budget was taken away: the ledger is asked anew."""
    url = conf.gateway().redis_url
    try:
        with redis.Redis.from_url(url, retry=None, socket_timeout=1, socket_connect_timeout=1) as client:
            client.delete(*spent_names(key_id, timezone.now().date()))
    except redis.RedisError as exc:
        log.warning("spending_not_forgotten", key=key_id, error=str(exc))


@transaction.atomic
def revoke_key(key: ApiKey) -> None:
    """Takes effect in every worker within a second. A key that is revoked already stays as it is."""
    ApiKey.objects.filter(pk=key.pk, revoked_at=None).update(revoked_at=timezone.now())


def check_limits(limits: KeyLimits) -> None:
    """Raises `ValueError` for a limit that makes no sense."""
    for name in ("requests_per_minute", "tokens_per_minute", "concurrent_requests"):
        number: Any = limits.get(name)
        if number is not None and number < 1:
            raise ValueError(f"{name} takes a whole number from 1, or nothing for no limit")
    for name in ("daily_budget_usd", "monthly_budget_usd"):
        dollars: Any = limits.get(name)
        if dollars is not None and (dollars < 0 or dollars != round(dollars, 2)):
            raise ValueError(f"{name} takes dollars and whole cents from 0, or nothing for no budget")
