"""Brings prompt files into the registry."""

import getpass
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from prompts_app import conf
from prompts_app.changes import By
from prompts_app.exceptions import ChangeRefused
from prompts_app.sync import differences, read_directory, sync
from prompts_app.yaml_files import FileInvalid


class Command(BaseCommand):
    help = (
        "Publishes the versions of <directory>/<name>/<version>.yaml that are not here yet; all or nothing."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("directory", nargs="?", type=Path, default=conf.directory())
        parser.add_argument("--check", action="store_true", help="change nothing; exit 1 on any difference")
        parser.add_argument("--force", action="store_true", help="overwrite drafts and descriptions")
        parser.add_argument("--activate", action="store_true", help="make each prompt's highest version live")

    def handle(self, *, directory: Path, check: bool, force: bool, activate: bool, **_: Any) -> None:
        try:
            files = read_directory(directory)
            if check:
                self._check(len(files), [str(difference) for difference in differences(files)])
                return
            by: By = {"actor": _user(), "door": "command", "why": f"sync_prompts {directory.name}"}
            done = sync(files, by=by, force=force, activate=activate)
        except (FileInvalid, ChangeRefused) as exc:
            raise CommandError(str(exc)) from exc
        self.stdout.write("\n".join(done) or f"{len(files)} files, nothing new")

    def _check(self, count: int, drift: list[str]) -> None:
        if drift:
            raise CommandError("\n".join(drift), returncode=1)
        self.stdout.write(f"{count} files, no difference")


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container's user need not have a name
        return "unknown"
