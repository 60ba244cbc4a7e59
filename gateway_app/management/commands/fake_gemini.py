"""`manage.py fake_gemini`: the Gemini simulator on a port."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from gateway_app.testing import simulator


class Command(BaseCommand):
    help = "Serves a simulation of the Gemini API, until it is stopped."
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        simulator.add_arguments(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        served = simulator.Simulator(
            host=options["host"], port=options["port"], chunk_delay_ms=options["chunk_delay_ms"]
        )
        try:
            simulator.run(served, self._announce)
        except OSError as exc:
            raise CommandError(str(exc)) from exc

    def _announce(self, line: str) -> None:
        self.stdout.write(line)
        self.stdout.flush()
