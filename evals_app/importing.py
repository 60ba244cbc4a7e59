"""Cases from a file into a dataset, whichever door the file comes through."""

from pathlib import PurePath

import msgspec
from django.db import transaction

from evals_app import datasets, services
from evals_app.dataset_files import READERS, from_yaml
from evals_app.exceptions import DatasetInvalid
from evals_app.models import Dataset, DatasetVersion

ENDINGS = ("yaml", *READERS)


@transaction.atomic
def import_file(name: str, data: bytes, *, dataset: str, add: bool, actor: str) -> DatasetVersion:
    """Makes the dataset's next version of a file `name` that ends in one of `ENDINGS`.

    JSON Lines and CSV hold cases, YAML a whole dataset. With `add`, cases that the file does not name stay,
    and of a YAML file the cases alone are taken. Raises `DatasetInvalid` or `DatasetNotFound`.
    """
    form = PurePath(name).suffix.removeprefix(".").replace("yml", "yaml")
    if form not in ENDINGS:
        raise DatasetInvalid(
            f"{name}: the name ends in none of {', '.join(f'.{known}' for known in ENDINGS)}"
        )
    text = _text(name, data)
    list(Dataset.objects.select_for_update().filter(name=dataset))
    content = services.newest_version(dataset).content
    if form == "yaml":
        given = from_yaml(text)
        if given.name != dataset:
            raise DatasetInvalid(f"{name}: the dataset in it is named {given.name}, not {dataset}")
    else:
        given = datasets.read(msgspec.to_builtins(content) | {"cases": READERS[form](text)})
    if add:
        given = datasets.with_cases(content, given.cases)
    return services.save_dataset(given, actor=actor, why=f"from {name}")


def import_new(name: str, data: bytes, *, actor: str) -> DatasetVersion:
    """A dataset that is not there yet, from a YAML file. Raises `DatasetInvalid`."""
    content = from_yaml(_text(name, data))
    if Dataset.objects.filter(name=content.name).exists():
        raise DatasetInvalid(f"there is a dataset {content.name} already: import into it")
    return services.save_dataset(content, actor=actor, why=f"from {name}")


def _text(name: str, data: bytes) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as exc:
        raise DatasetInvalid(f"{name} is not UTF-8: {exc}") from exc
