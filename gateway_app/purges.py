"""Forgetting cached replies: of a project, a prompt or a model, in every worker within a second."""

from collections.abc import Mapping

from django.db import connections
from django.db.models import Count

from gateway_app.models import CachePurge, Project
from gateway_app.purge_counts import Purged


def purge_cache(*, kind: str, name: str, actor: str) -> CachePurge:
    """What is kept of that part is never served again, and leaves Redis when its time is up.

    Raises `ValueError` for a kind that there is not, or a project that does not exist.
    """
    check_purge(kind=kind, name=name)
    return CachePurge.objects.create(kind=kind, name=name, purged_by=actor)


def check_purge(*, kind: str, name: str) -> None:
    """Raises `ValueError` as `purge_cache` does."""
    if kind not in CachePurge.Kind.values:
        raise ValueError(f"a purge is of {', '.join(CachePurge.Kind.values)}, not of {kind!r}")
    if kind == CachePurge.Kind.PROJECT and not Project.objects.filter(name=name).exists():
        raise ValueError(f"there is no project {name!r}")


def load_purges() -> Mapping[Purged, int]:
    try:
        counted = CachePurge.objects.order_by().values_list("kind", "name").annotate(times=Count("id"))
        return {(kind, name): times for kind, name, times in counted}
    finally:
        connections.close_all()
