"""The keys that hold now, read from Postgres for `authentication`."""

from django.db import connections
from django.utils import timezone

from gateway_app.authentication import Keys, KnownKey
from gateway_app.content import ContentPolicy
from gateway_app.models import AccessRevision, ApiKey
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
            content=ContentPolicy(percent=key.project.content_percent, days=key.project.content_days),
        ),
        secret_hash=key.secret_hash,
        expires_at=key.expires_at.timestamp() if key.expires_at else None,
    )
