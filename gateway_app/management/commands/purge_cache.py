"""manage.py purge_cache: forgets the cached replies of a project, a prompt or a model."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from gateway_app.models import CachePurge
from gateway_app.purges import purge_cache


class Command(BaseCommand):
    help = "Forgets the cached replies of a project, a prompt or a model, everywhere within a second."

    def add_arguments(self, parser: CommandParser) -> None:
        which = parser.add_mutually_exclusive_group(required=True)
        for kind in CachePurge.Kind.values:
            which.add_argument(f"--{kind}")

    def handle(self, *args: Any, **options: Any) -> None:
        kind, name = next((kind, options[kind]) for kind in CachePurge.Kind.values if options[kind])
        try:
            row = purge_cache(kind=kind, name=name, actor="command")
        except ValueError as exc:
            raise CommandError(str(exc)) from exc
        self.stdout.write(f"purged {row}")
