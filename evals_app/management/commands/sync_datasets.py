"""manage.py sync_datasets: brings dataset files in."""

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from evals_app import conf
from evals_app.exceptions import DatasetInvalid
from evals_app.seeding import sync


class Command(BaseCommand):
    help = "Saves each <directory>/<dataset>.yaml that is new; never over an edit that was made here."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("directory", nargs="?", type=Path, default=conf.evals().directory)
        parser.add_argument("--force", action="store_true", help="save a next version over edits, too")

    def handle(self, *, directory: Path, force: bool, verbosity: int, **options: Any) -> None:
        try:
            done = sync(directory, force=force)
        except DatasetInvalid as exc:
            raise CommandError(str(exc)) from exc
        if verbosity:
            self.stdout.write("\n".join(done) or "no dataset is new")
