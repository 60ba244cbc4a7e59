"""Projects and keys: the verbs that change them."""

from collections.abc import Iterable
from datetime import datetime

from django.db import transaction
from django.utils import timezone

from gateway_app.keys import KeyText, hash_secret, new_key
from gateway_app.models import ApiKey, Project

SCOPES = ("chat", "prompts:read", "prompts:write", "usage:read", "feedback")
"""What a key may be allowed to do."""

USUAL_SCOPES = ("chat", "prompts:read", "usage:read", "feedback")


@transaction.atomic
def create_key(
    *,
    project: str,
    name: str,
    scopes: Iterable[str] = USUAL_SCOPES,
    expires_at: datetime | None = None,
) -> KeyText:
    """Makes a key (and its project, where that is new). The text is known now and never again.

    Raises `ValueError` for an unknown scope.
    """
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
    )
    return text


@transaction.atomic
def revoke_key(key: ApiKey) -> None:
    """Takes effect in every worker within a second. A key that is revoked already stays as it is."""
    ApiKey.objects.filter(pk=key.pk, revoked_at=None).update(revoked_at=timezone.now())
