"""manage.py create_key: a new API key, printed once."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from gateway_app.access import SCOPES, USUAL_SCOPES, KeyLimits, create_key


class Command(BaseCommand):
    help = "Makes an API key and prints it; it is not shown again."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--project", default="default", help="made where it does not exist")
        parser.add_argument("--name", required=True, help="what the key is for")
        parser.add_argument("--scopes", nargs="+", default=USUAL_SCOPES, help=", ".join(SCOPES))
        parser.add_argument("--expires-at", type=moment, help="such as 2027-01-31T12:00Z; never")
        parser.add_argument("--requests-per-minute", type=int)
        parser.add_argument("--tokens-per-minute", type=int)
        parser.add_argument("--concurrent-requests", type=int)
        parser.add_argument("--daily-budget-usd", type=Decimal)
        parser.add_argument("--monthly-budget-usd", type=Decimal)
        parser.add_argument("--allowed-models", nargs="+", default=[], help="none: all")
        parser.add_argument("--allowed-prompts", nargs="+", default=[], help="none: all")

    def handle(self, *args: Any, **options: Any) -> None:
        limits: Any = {name: options[name] for name in KeyLimits.__annotations__}
        try:
            key = create_key(
                project=options["project"],
                name=options["name"],
                scopes=options["scopes"],
                expires_at=options["expires_at"],
                **limits,
            )
        except ValueError as exc:
            raise CommandError(str(exc)) from exc
        self.stdout.write(str(key))


def moment(text: str) -> datetime:
    """Raises `ValueError` for what is no date and time (ISO 8601); without an offset it is UTC."""
    parsed = datetime.fromisoformat(text)
    return parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)
