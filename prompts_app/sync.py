"""Files into rows and rows into files; what differs, and what may be done about it."""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from enum import Enum
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

from django.db import connection, transaction

from prompts_app import partials, services
from prompts_app.changes import By
from prompts_app.exceptions import ChangeRefused
from prompts_app.models import Prompt, PromptVersion
from prompts_app.yaml_files import FileInvalid, PromptFile, dump, parse

Status = PromptVersion.Status


class Kind(Enum):
    NEW = "the file is not published here"
    EDITED = "somebody edited here what a sync would overwrite"
    FROZEN = "the file differs from what is published"
    UNFILED = "published here, in no file"


@dataclass(frozen=True, kw_only=True)
class Difference:
    """One way in which the files and the rows disagree."""

    prompt: str
    version: str
    """Empty where it is about the prompt itself."""
    kind: Kind
    says: str

    def __str__(self) -> str:
        return f"{self.prompt} {self.version}".rstrip() + f": {self.says}"


def read_directory(root: Path) -> list[PromptFile]:
    """All of `<name>/<version>.yaml` under `root`, in order. Raises `FileInvalid` for the first wrong one."""
    if not root.is_dir():
        raise FileInvalid(f"{root}: no such directory")
    files = [_read(path) for path in sorted(root.glob("*/*.yaml"), key=lambda path: _natural(str(path)))]
    described: dict[str, PromptFile] = {}
    for file in files:
        first = described.setdefault(file.name, file)
        if first.description != file.description:
            raise FileInvalid(f"{file.source}: the description is not that of {first.source}")
    return files


def write_directory(root: Path) -> list[Path]:
    """Writes every published version as a file under `root`; returns those that changed."""
    changed = []
    for file in published_files():
        path = root / file.name / f"{file.version}.yaml"
        data = dump(file)
        if not path.exists() or path.read_bytes() != data:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
            changed.append(path)
    return changed


def published_files(names: Iterable[str] | None = None) -> Iterator[PromptFile]:
    """The published versions of those prompts, or of all, as files."""
    rows = PromptVersion.objects.filter(status=Status.PUBLISHED).select_related("prompt")
    if names is not None:
        rows = rows.filter(prompt__name__in=names)
    for row in rows.order_by("prompt__name", "id"):
        name = row.prompt.name
        yield PromptFile(
            name=name,
            version=row.label,
            description=row.prompt.description,
            content=row.content,
            source=f"{name}/{row.label}.yaml",
        )


def differences(files: Iterable[PromptFile]) -> list[Difference]:
    """Everything in which the rows are not what the files say, and published rows without a file."""
    groups = _grouped(files)
    prompts = {prompt.name: prompt for prompt in Prompt.objects.prefetch_related("versions")}
    names = sorted(groups.keys() | prompts.keys())
    return [found for name in names for found in _compare(name, groups.get(name, []), prompts.get(name))]


@transaction.atomic
def sync(files: Iterable[PromptFile], *, by: By, force: bool = False, activate: bool = False) -> list[str]:
    """Brings the files in, all or nothing, and tells what it did.

    New versions are published. A new prompt goes live with its highest one, an old one only with `activate`.
    Raises `ChangeRefused` that names every file which differs from what was edited here. With `force`, drafts
    and descriptions are overwritten, but never a published version.
    """
    # Whoever else writes waits: two runs at once, or a run and an editor, cannot block each other for ever.
    with connection.cursor() as cursor:
        cursor.execute("LOCK TABLE prompts_app_prompt IN EXCLUSIVE MODE")
    groups = _grouped(files)
    found = differences(file for group in groups.values() for file in group)
    stops = (Kind.FROZEN,) if force else (Kind.FROZEN, Kind.EDITED)
    if stopping := [str(difference) for difference in found if difference.kind in stops]:
        raise ChangeRefused("\n".join(stopping))
    changed: dict[str, set[str]] = defaultdict(set)
    for difference in found:
        changed[difference.prompt].add(difference.version)
    done: list[str] = []
    with _one_revision():
        for name in _in_order(groups):
            done += _sync_prompt(name, groups[name], changed=changed[name], by=by, activate=activate)
    return done


@contextmanager
def _one_revision() -> Iterator[None]:
    """To who follows the registry, all that is written meanwhile is one change."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT prompts_one_revision()")
        yield
        cursor.execute("SELECT set_config('llmgateway.one_revision', '', true)")


def _in_order(groups: Mapping[str, list[PromptFile]]) -> list[str]:
    """Prompts that others include come first. Raises `ChangeRefused` for those that include each other."""
    graph = {
        name: [part for file in files for part in partials.included(file.content.texts) if part in groups]
        for name, files in groups.items()
    }
    try:
        return list(TopologicalSorter(graph).static_order())
    except CycleError as exc:
        raise ChangeRefused("prompts include each other: " + " → ".join(reversed(exc.args[1]))) from exc


def _sync_prompt(
    name: str, files: list[PromptFile], *, changed: set[str], by: By, activate: bool
) -> Iterator[str]:
    description = files[0].description
    prompt = Prompt.objects.filter(name=name).first()
    if prompt is None:
        services.create_prompt(name=name, description=description, **by)
        yield f"{name}: created"
    elif "" in changed:
        services.describe_prompt(prompt=name, description=description, **by)
        yield f"{name}: described anew"
    for file in files:
        if file.version in changed:
            # Files on the server were written and reviewed elsewhere; an upload is its user's own work.
            written: By = {**by, "actor": file.source} if by["door"] == "command" else by
            services.save_draft(prompt=name, version=file.version, content=file.content, **written)
            services.publish_version(prompt=name, version=file.version, **by)
            yield f"{name} {file.version}: published"
    highest = files[-1].version
    if prompt is None or (activate and not _is_live(prompt, highest)):
        services.activate_version(prompt=name, version=highest, **by)
        yield f"{name} {highest}: live"


def _is_live(prompt: Prompt, label: str) -> bool:
    active = prompt.active_version
    return active is not None and active.label == label and not prompt.traffic_split


def _compare(name: str, files: list[PromptFile], prompt: Prompt | None) -> Iterator[Difference]:
    rows = {row.label: row for row in prompt.versions.all()} if prompt else {}
    if prompt and files and files[0].description != prompt.description:
        yield Difference(prompt=name, version="", kind=Kind.EDITED, says="the description was edited here")
    for file in files:
        if difference := _compare_version(file, rows.pop(file.version, None)):
            yield difference
    for row in rows.values():
        if row.status == Status.PUBLISHED:
            yield Difference(prompt=name, version=row.label, kind=Kind.UNFILED, says=Kind.UNFILED.value)


def _compare_version(file: PromptFile, row: PromptVersion | None) -> Difference | None:
    def differs(kind: Kind, says: str) -> Difference:
        return Difference(prompt=file.name, version=file.version, kind=kind, says=f"{file.source} {says}")

    if row is None:
        return differs(Kind.NEW, "is not here yet")
    if row.digest == file.content.digest:
        return differs(Kind.NEW, "is a draft here") if row.status == Status.DRAFT else None
    old, new = row.content.as_json(), file.content.as_json()
    fields = ", ".join(field for field in new if old[field] != new[field]) or "the order of keys"
    if row.status == Status.DRAFT:
        return differs(Kind.EDITED, f"differs in {fields} from the draft of {row.author}")
    return differs(Kind.FROZEN, f"differs in {fields} from what is published: make it a new version")


def _read(path: Path) -> PromptFile:
    source = f"{path.parent.name}/{path.name}"
    try:
        file = parse(path.read_bytes(), source=source)
    except OSError as exc:
        raise FileInvalid(f"{source}: {exc.strerror}") from exc
    if (file.name, file.version) != (path.parent.name, path.stem):
        raise FileInvalid(
            f"{source}: holds {file.name} {file.version}; the path must be <name>/<version>.yaml"
        )
    return file


def _grouped(files: Iterable[PromptFile]) -> Mapping[str, list[PromptFile]]:
    groups: dict[str, list[PromptFile]] = defaultdict(list)
    for file in sorted(files, key=lambda file: (file.name, _natural(file.version))):
        groups[file.name].append(file)
    return groups


def _natural(text: str) -> list[tuple[int, str]]:
    """A sort key by which v10 comes after v9."""
    return [(int(part), "") if part.isdecimal() else (0, part) for part in re.split(r"([0-9]+)", text)]
