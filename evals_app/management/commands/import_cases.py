"""manage.py import_cases: gives a dataset the cases of a YAML, JSON Lines or CSV file."""

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from evals_app.exceptions import EvalError
from evals_app.importing import import_file


class Command(BaseCommand):
    help = "Saves a next version of a dataset with what is in a file that ends in .yaml, .jsonl or .csv."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("dataset")
        parser.add_argument("file", type=Path)
        parser.add_argument("--add", action="store_true", help="keep the cases that the file does not name")

    def handle(self, *, dataset: str, file: Path, add: bool, **options: Any) -> None:
        try:
            saved = import_file(file.name, file.read_bytes(), dataset=dataset, add=add, actor="import_cases")
        except (EvalError, OSError) as exc:
            raise CommandError(f"{file.name}: {exc}") from exc
        self.stdout.write(f"{saved} has {saved.cases.count()} cases")
