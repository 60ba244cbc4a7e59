"""Dataset files into rows."""

from pathlib import Path

from django.db import transaction

from evals_app import dataset_files, services
from evals_app.datasets import DatasetContent
from evals_app.exceptions import DatasetInvalid
from evals_app.models import DatasetVersion

ACTOR = "sync_datasets"
"""The author of what came from a file and was not edited here."""


@transaction.atomic
def sync(directory: Path, *, force: bool = False) -> list[str]:
    """What was done, a line for each dataset; all or nothing. Raises `DatasetInvalid` with the file."""
    if not directory.is_dir():
        raise DatasetInvalid(f"{directory}: no such directory")
    done = [_sync(_read(path), force=force) for path in sorted(directory.glob("*.yaml"))]
    return [line for line in done if line]


def _read(path: Path) -> DatasetContent:
    try:
        content = dataset_files.from_yaml(path.read_text(encoding="utf-8"))
    except (DatasetInvalid, OSError, UnicodeDecodeError) as exc:
        raise DatasetInvalid(f"{path.name}: {exc}") from exc
    if content.name != path.stem:
        raise DatasetInvalid(f"{path.name}: the dataset in it is named {content.name}")
    return content


def _sync(content: DatasetContent, *, force: bool) -> str | None:
    """A file that was in use once is not new, whatever was made of it since."""
    versions = DatasetVersion.objects.filter(dataset__name=content.name).order_by("-number")
    newest = versions.first()
    if versions.filter(digest=content.digest).exists() and not force:
        return None
    if newest and newest.author != ACTOR and not force:
        return f"{newest} was edited by {newest.author}: left as it is (--force saves the file over it)"
    saved = services.save_dataset(content, actor=ACTOR, why="from a file")
    return None if newest == saved else f"saved {saved}, {len(content.cases)} cases"
