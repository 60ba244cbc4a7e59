from typing import Any

from django.core.management.base import BaseCommand
from django.utils import timezone

from prompts_app.scheduling import apply_due


class Command(BaseCommand):
    help = "Does the scheduled changes that are due, as the task queue does every few seconds."

    def handle(self, *args: Any, **options: Any) -> None:
        self.stdout.write(f"{apply_due(until=timezone.now())} done")
