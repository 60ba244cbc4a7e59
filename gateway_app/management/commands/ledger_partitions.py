"""manage.py ledger_partitions: the ledger's upkeep, here and now."""

from typing import Any

from django.core.management.base import BaseCommand
from django.utils import timezone

from gateway_app import conf
from gateway_app.upkeep import keep_up


class Command(BaseCommand):
    help = "Makes the ledger's partitions ahead, and lets go of calls and contents whose time is over."

    def handle(self, *args: Any, **options: Any) -> None:
        done = keep_up(timezone.now(), months=conf.gateway().ledger_months)
        for month in done.made:
            self.stdout.write(f"made {month.partition}")
        for month in done.dropped:
            self.stdout.write(f"dropped {month.partition}")
        self.stdout.write(f"{done.contents} contents let go")
