"""manage.py revoke_key: a key stops working, everywhere within a second."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from gateway_app.access import revoke_key
from gateway_app.models import ApiKey


class Command(BaseCommand):
    help = "Revokes an API key by its id (the part between gw_ and the second _)."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("id")

    def handle(self, *args: Any, **options: Any) -> None:
        key = ApiKey.objects.filter(pk=options["id"]).first()
        if key is None:
            raise CommandError(f"there is no key {options['id']}")
        revoke_key(key)
        self.stdout.write(f"revoked {key}")
