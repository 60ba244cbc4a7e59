"""manage.py add_calls: gives a dataset cases made of calls that were served."""

import getpass
from datetime import UTC, datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from evals_app import services
from evals_app.call_cases import Sample, add_calls
from evals_app.exceptions import EvalError
from gateway_app.kept_calls import CallFilter


class Command(BaseCommand):
    help = "Draws calls of a dataset's prompt whose words were kept, and adds those that ask something new."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("dataset")
        parser.add_argument("--version", default="", dest="prompt_version", help="of the prompt")
        parser.add_argument("--outcome", default="", choices=["", "ok", "error", "cancelled"])
        parser.add_argument(
            "--feedback", default="", metavar="NAME", help="calls with a feedback of that name"
        )
        parser.add_argument("--below", type=float, help="calls with a feedback under that number")
        parser.add_argument("--since", type=_moment, help="a date, or date and time, UTC")
        parser.add_argument("--until", type=_moment)
        size = parser.add_mutually_exclusive_group(required=True)
        size.add_argument("--count", type=int)
        size.add_argument("--percent", type=float)
        parser.add_argument("--seed", type=int, default=0, help="the same seed draws the same calls")

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        # Django's own --version would hide ours.
        return super().create_parser(prog_name, subcommand, conflict_handler="resolve", **kwargs)

    def handle(self, *, dataset: str, **options: Any) -> None:
        try:
            which = CallFilter(
                prompt=services.newest_version(dataset).prompt,
                version=options["prompt_version"],
                **{name: options[name] for name in ("outcome", "feedback", "below", "since", "until")},
            )
            sample = Sample(count=options["count"], percent=options["percent"], seed=options["seed"])
            added = add_calls(dataset, which, sample, actor=getpass.getuser())
        except EvalError as exc:
            raise CommandError(str(exc)) from exc
        self.stdout.write(str(added))


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)
