"""manage.py export_dataset: writes a dataset out."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from evals_app import services
from evals_app.dataset_files import WRITERS, to_yaml
from evals_app.exceptions import DatasetNotFound


class Command(BaseCommand):
    help = "Prints a dataset as YAML, or its cases as JSON Lines or CSV."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("dataset")
        parser.add_argument("--format", choices=["yaml", *WRITERS], default="yaml")

    def handle(self, *, dataset: str, format: str, **options: Any) -> None:  # noqa: A002 - the option's name
        try:
            content = services.newest_version(dataset).content
        except DatasetNotFound as exc:
            raise CommandError(str(exc)) from exc
        text = to_yaml(content) if format == "yaml" else WRITERS[format](content.cases)
        self.stdout.write(text, ending="")
