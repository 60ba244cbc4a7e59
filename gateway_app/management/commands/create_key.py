"""manage.py create_key: a new API key, printed once."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from gateway_app.access import SCOPES, USUAL_SCOPES, create_key


class Command(BaseCommand):
    help = "Makes an API key and prints it; it is not shown again."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--project", default="default", help="made where it does not exist")
        parser.add_argument("--name", required=True, help="what the key is for")
        parser.add_argument("--scopes", nargs="+", default=USUAL_SCOPES, help=", ".join(SCOPES))

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            key = create_key(project=options["project"], name=options["name"], scopes=options["scopes"])
        except ValueError as exc:
            raise CommandError(str(exc)) from exc
        self.stdout.write(str(key))
