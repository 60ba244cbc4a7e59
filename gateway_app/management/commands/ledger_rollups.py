"""manage.py ledger_rollups: sums up, here and now, what `run_ledger` has not summed up yet."""

from typing import Any

from django.core.management.base import BaseCommand

from gateway_app.rollups import roll_up_due


class Command(BaseCommand):
    help = "Sums calls up by hour, day and month, until nothing is left to sum up."

    def handle(self, *args: Any, **options: Any) -> None:
        hours = 0
        while done := roll_up_due():
            hours += done
        self.stdout.write(f"{hours} hours summed up")
