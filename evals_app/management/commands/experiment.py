"""manage.py experiment: plans, starts, watches and concludes experiments and rollouts."""

import getpass
import logging
from pathlib import Path
from typing import Any

import msgspec
import structlog
from django.core.management.base import BaseCommand, CommandError, CommandParser

from evals_app.exceptions import EvalError
from evals_app.experiments import plans, services
from evals_app.experiments.looking import kept_report, look
from evals_app.experiments.markdown import to_markdown
from evals_app.models import Experiment
from prompts_app.changes import By

VERBS = {
    "start": services.start,
    "stop": services.stop,
    "keep": services.keep_champion,
    "pause": services.pause,
    "resume": services.resume,
}


class Command(BaseCommand):
    help = "Plans, starts, watches and concludes experiments and rollouts; without a word, lists them."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "verb", nargs="?", default="list", choices=["list", "plan", "report", "ship", *VERBS]
        )
        parser.add_argument("name", nargs="?", help="the experiment; for `plan`, a YAML file")
        parser.add_argument("version", nargs="?", help="for `ship`: the challenger that becomes live")
        parser.add_argument("--why", default="", help="kept in the history of the experiment and the prompt")
        parser.add_argument("--json", action="store_true", help="for `report`: as JSON")

    def handle(self, **options: Any) -> None:
        verb, name = options["verb"], options["name"]
        if verb != "list" and not name:
            raise CommandError(f"{verb} needs a name")
        # What is written is for people and programs: a line of log would spoil it.
        structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
        by: By = {"actor": _user(), "door": "command", "why": options["why"]}
        try:
            self._do(verb, name, options, by)
        except (EvalError, OSError) as exc:
            raise CommandError(str(exc)) from exc

    def _do(self, verb: str, name: str, options: dict[str, Any], by: By) -> None:
        if verb == "list":
            for row in Experiment.objects.all():
                self._tell(row)
        elif verb == "plan":
            self._tell(services.save_plan(plans.from_yaml(Path(name).read_text(encoding="utf-8")), **by))
        elif verb == "report":
            self._report(name, as_json=options["json"])
        elif verb == "ship":
            if not options["version"]:
                raise CommandError("name the version to ship")
            self._tell(services.ship(name, options["version"], **by))
        else:
            self._tell(VERBS[verb](name, **by))

    def _report(self, name: str, *, as_json: bool) -> None:
        """A look now; of what is over, the last one."""
        row = services.find(name)
        report = look(row) if row.is_live else kept_report(row)
        if report is None:
            raise CommandError(f"{name} is {row.stands}: there is nothing to report")
        if as_json:
            self.stdout.write(msgspec.json.format(msgspec.json.encode(report)).decode())
        else:
            self.stdout.write(to_markdown(row, report))

    def _tell(self, row: Experiment) -> None:
        self.stdout.write(f"{row}: {row.kind} on {row.prompt}, {row.stands}")


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container's user need not have a name
        return "unknown"
