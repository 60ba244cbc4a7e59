"""manage.py import_cases: gives a dataset the cases of a JSON Lines or CSV file."""

from pathlib import Path
from typing import Any

import msgspec
from django.core.management.base import BaseCommand, CommandError, CommandParser

from evals_app import datasets, services
from evals_app.dataset_files import READERS
from evals_app.exceptions import EvalError


class Command(BaseCommand):
    help = "Saves a next version of a dataset with the cases of a file, whose name ends in .jsonl or .csv."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("dataset")
        parser.add_argument("file", type=Path)
        parser.add_argument("--add", action="store_true", help="keep the cases that the file does not name")

    def handle(self, *, dataset: str, file: Path, add: bool, **options: Any) -> None:
        form = file.suffix.removeprefix(".")
        if form not in READERS:
            raise CommandError(
                f"{file}: the name ends in none of {', '.join(f'.{known}' for known in READERS)}"
            )
        try:
            content = services.newest_version(dataset).content
            cases = READERS[form](file.read_text(encoding="utf-8"))
            given = datasets.read(msgspec.to_builtins(content) | {"cases": cases})
            if add:
                given = datasets.with_cases(content, given.cases)
            saved = services.save_dataset(given, actor="import_cases", why=f"from {file.name}")
        except (EvalError, OSError, UnicodeDecodeError) as exc:
            raise CommandError(f"{file.name}: {exc}") from exc
        self.stdout.write(f"{saved} has {len(given.cases)} cases")
