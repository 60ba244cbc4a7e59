"""The snapshot's way out of the database: an index of every version, and the contents that matter."""

import heapq
import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping

import structlog
from django.db import connection
from django.db.models import F, Func, IntegerField, QuerySet, Value

from prompts_app import conf
from prompts_app.content import COLUMNS, VersionContent, from_json
from prompts_app.exceptions import ChangeRefused
from prompts_app.models import Prompt, PromptVersion, RegistryRevision
from prompts_app.snapshot import PromptEntry, Snapshot, VersionEntry, VersionIndex
from prompts_app.splitting import allocate

BATCH = 1000
log = structlog.get_logger()


STAMPS = """
SELECT prompt_id, count(*), sum(xmin::text::bigint) FROM prompts_app_promptversion GROUP BY prompt_id
"""
"""`xmin` is the transaction that wrote a row, so that count and sum change with every row of a prompt."""


def revision() -> int:
    """Another number after each change; 0 before the first."""
    return RegistryRevision.objects.values_list("value", flat=True).first() or 0


def load_snapshot(former: Snapshot, *, content_budget: int) -> Snapshot:
    """The newest state; what `former` has of it is not read again.

    `content_budget`: bytes of texts to load besides those of live versions.
    """
    # Prompts first: a version that one of them names is then there in the second query.
    rows = list(_prompt_rows().filter(archived=False))
    indexes = _indexes(former.indexes)
    prompts = {row.name: _entry(row, _versions(indexes, row)) for row in rows}
    live = {prompt.versions[label] for prompt in prompts.values() for label in prompt.live()}
    wanted = [*live, *_that_fit(_newest_first(indexes), live, room=content_budget)]
    contents = {version: former.contents[version] for version in wanted if version in former.contents}
    contents.update(fetch_contents([version for version in wanted if version not in contents]))
    return Snapshot(prompts=prompts, indexes=indexes, contents=contents)


def load_prompt(name: str) -> PromptEntry:
    """That prompt as it is in the database at this moment. Raises `Prompt.DoesNotExist`."""
    row = _prompt_rows().get(name=name)
    return _entry(row, _read_versions(row.versions.all())[row.pk])


def fetch_contents(versions: list[VersionEntry]) -> Iterator[tuple[VersionEntry, VersionContent]]:
    """The contents of those versions that are still there as they were when they were indexed.

    A row that makes no sense, which no verb of ours writes, must not keep all others from being served.
    """
    for start in range(0, len(versions), BATCH):
        batch = {version.id: version for version in versions[start : start + BATCH]}
        for row in PromptVersion.objects.filter(id__in=batch).values("id", "revision", *COLUMNS):
            version = batch[row["id"]]
            if row["revision"] == version.revision:
                try:
                    yield version, from_json(row)
                except ChangeRefused as exc:
                    log.error("version_unreadable", version_id=version.id, error=str(exc))


def _prompt_rows() -> QuerySet[Prompt]:
    """Without the contents of the active versions."""
    contents = [f"active_version__{name}" for name in COLUMNS]
    return Prompt.objects.select_related("active_version").defer(*contents)


def _indexes(former: Mapping[int, VersionIndex]) -> Mapping[int, VersionIndex]:
    with connection.cursor() as cursor:
        cursor.execute(STAMPS)
        stamps = {prompt: (count, int(total)) for prompt, count, total in cursor.fetchall()}
    same = {prompt: index for prompt, index in former.items() if stamps.get(prompt) == index.stamp}
    read = _read_versions(PromptVersion.objects.filter(prompt__in=stamps.keys() - same.keys()))
    return same | {prompt: VersionIndex(stamps[prompt], versions) for prompt, versions in read.items()}


def _versions(indexes: Mapping[int, VersionIndex], row: Prompt) -> Mapping[str, VersionEntry]:
    return indexes[row.pk].versions if row.pk in indexes else {}


def _newest_first(indexes: Mapping[int, VersionIndex]) -> Iterator[VersionEntry]:
    """Of all prompts; no more are looked at than are asked for."""
    return heapq.merge(*(index.versions.values() for index in indexes.values()), key=lambda entry: -entry.id)


def _read_versions(versions: QuerySet[PromptVersion]) -> Mapping[int, dict[str, VersionEntry]]:
    """By the prompt's id; by label, the newest first."""
    measures = {"system": "octet_length", "user": "octet_length", "messages": "pg_column_size"}
    sizes = [Func(F(name), function=by, output_field=IntegerField()) for name, by in measures.items()]
    measured = versions.annotate(size=sum(sizes, start=Value(0))).order_by("-id")
    rows = measured.values_list("prompt_id", "id", "label", "status", "revision", "size")
    found: dict[int, dict[str, VersionEntry]] = defaultdict(dict)
    for owner, id_, label, status, seen, size in rows.iterator(chunk_size=5000):
        # A hundred thousand rows hold a handful of different labels and states.
        entry = VersionEntry(id_, sys.intern(label), sys.intern(status), seen, size)
        found[owner][entry.label] = entry
    return found


def _entry(row: Prompt, versions: Mapping[str, VersionEntry]) -> PromptEntry:
    split = row.traffic_split
    return PromptEntry(
        name=row.name,
        description=row.description,
        active=row.active_version.label if row.active_version else None,
        split=split,
        owners=allocate(split, former=row.buckets) if split else (),
        phase=row.split_phase,
        salt=row.salt,
        revision=row.revision,
        updated_at=row.updated_at,
        pinned=conf.pin(row.name),
        versions=versions,
    )


def _that_fit(
    versions: Iterable[VersionEntry], live: set[VersionEntry], *, room: int
) -> Iterator[VersionEntry]:
    for version in versions:
        if version not in live:
            room -= version.size
            if room < 0:
                return
            yield version
