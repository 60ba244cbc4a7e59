"""Writes the registry out as prompt files."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand

from prompts_app import conf
from prompts_app.sync import write_directory


class Command(BaseCommand):
    help = "Writes every published version to <directory>/<name>/<version>.yaml."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("directory", nargs="?", type=Path, default=conf.directory())

    def handle(self, *, directory: Path, **_: Any) -> None:
        changed = write_directory(directory)
        self.stdout.write("\n".join(str(path) for path in changed) or "nothing to write")
