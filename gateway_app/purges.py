"""Forgetting cached replies: of a project, a prompt or a model, in every worker within a second."""

from collections.abc import Mapping

from django.db import connections, transaction
from django.db.models import F

from gateway_app.models import CachePurge, Project
from gateway_app.purge_counts import Purged


@transaction.atomic
def purge_cache(*, kind: str, name: str, actor: str) -> CachePurge:
    """What is kept of that part is never served again, and leaves Redis when its time is up.

    Raises `ValueError` for a kind that there is not, or a project that does not exist.
    """
    if kind not in CachePurge.Kind.values:
        raise ValueError(f"a purge is of {', '.join(CachePurge.Kind.values)}, not of {kind!r}")
    if kind == CachePurge.Kind.PROJECT and not Project.objects.filter(name=name).exists():
        raise ValueError(f"there is no project {name!r}")
    row, _ = CachePurge.objects.select_for_update().get_or_create(kind=kind, name=name)
    row.number, row.purged_by = F("number") + 1, actor
    row.save(update_fields=["number", "purged_by", "purged_at"])
    row.refresh_from_db()
    return row


def load_purges() -> Mapping[Purged, int]:
    try:
        return {(row.kind, row.name): row.number for row in CachePurge.objects.all()}
    finally:
        connections.close_all()
