"""The snapshot's way out of the database: an index of every version, and the contents that matter."""

import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from django.db.models import F, Func, IntegerField, QuerySet, Value

from prompts_app import conf
from prompts_app.content import COLUMNS, VersionContent, from_json
from prompts_app.models import Prompt, PromptVersion, RegistryRevision
from prompts_app.snapshot import PromptEntry, Snapshot, VersionEntry
from prompts_app.splitting import allocate

BATCH = 1000


def revision() -> int:
    """Another number after each change; 0 before the first."""
    return RegistryRevision.objects.values_list("value", flat=True).first() or 0


def load_snapshot(former: Snapshot, *, content_budget: int) -> Snapshot:
    """The newest state; contents that `former` has are not fetched again, for they cannot have changed.

    `content_budget`: bytes of texts to load besides those of live versions.
    """
    # Prompts first: a version that one of them names is then there in the second query.
    rows = list(Prompt.objects.filter(archived=False).select_related("active_version"))
    index = _index()
    prompts = {row.name: _entry(row, index.get(row.pk, {})) for row in rows}
    wanted = list(_worth_keeping(prompts.values(), room=content_budget))
    contents = {version: former.contents[version] for version in wanted if version in former.contents}
    contents.update(fetch_contents([version for version in wanted if version not in contents]))
    return Snapshot(prompts=prompts, contents=contents)


def load_prompt(name: str) -> PromptEntry:
    """That prompt as it is in the database at this moment. Raises `Prompt.DoesNotExist`."""
    row = Prompt.objects.select_related("active_version").get(name=name)
    return _entry(row, _index(prompt_id=row.pk).get(row.pk, {}))


def fetch_contents(versions: list[VersionEntry]) -> Iterator[tuple[VersionEntry, VersionContent]]:
    """The contents of those versions that are still there as they were when they were indexed."""
    for start in range(0, len(versions), BATCH):
        batch = {version.id: version for version in versions[start : start + BATCH]}
        for row in PromptVersion.objects.filter(id__in=batch).values("id", "revision", *COLUMNS):
            version = batch[row["id"]]
            if row["revision"] == version.revision:
                yield version, from_json(row)


def _index(**only: int) -> Mapping[int, Mapping[str, VersionEntry]]:
    index: dict[int, dict[str, VersionEntry]] = defaultdict(dict)
    for owner, id_, label, status, seen, size in _index_rows().filter(**only).iterator(chunk_size=10_000):
        # A hundred thousand rows hold a handful of different labels and states.
        entry = VersionEntry(id_, sys.intern(label), sys.intern(status), seen, size)
        index[owner][entry.label] = entry
    return index


def _index_rows() -> "QuerySet[PromptVersion, tuple[Any, ...]]":
    measures = {"system": "octet_length", "user": "octet_length", "messages": "pg_column_size"}
    sizes = [Func(F(name), function=by, output_field=IntegerField()) for name, by in measures.items()]
    columns = PromptVersion.objects.annotate(size=sum(sizes, start=Value(0))).order_by("-id")
    return columns.values_list("prompt_id", "id", "label", "status", "revision", "size")


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


def _worth_keeping(prompts: Iterable[PromptEntry], *, room: int) -> Iterator[VersionEntry]:
    others: list[VersionEntry] = []
    for prompt in prompts:
        live = prompt.live()
        yield from (prompt.versions[label] for label in live)
        others += (version for version in prompt.versions.values() if version.label not in live)
    for version in sorted(others, key=lambda version: version.id, reverse=True):
        room -= version.size
        if room < 0:
            break
        yield version
