"""manage.py eval: asks versions of a prompt the cases of a dataset and says which is better."""

import argparse
import asyncio
import getpass
import logging
import sys
import time
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
import structlog
from django.core.management.base import BaseCommand, CommandError, CommandParser

from evals_app import services
from evals_app.exceptions import EvalError
from evals_app.formats.junit import to_junit
from evals_app.formats.markdown import to_markdown
from evals_app.formats.progress import progress_line
from evals_app.lanes import in_thread, work_on
from evals_app.models import EvalRun
from evals_app.report import RunReport
from evals_app.reporting import case_outcomes, kept_report, report_against
from evals_app.verdicts import Verdict

PASSED, ERROR, REGRESSION, INCONCLUSIVE = 0, 1, 2, 3
CODES: Mapping[Verdict, int] = {
    "better": PASSED,
    "not worse": PASSED,
    "worse": REGRESSION,
    "inconclusive": INCONCLUSIVE,
}
LOOK_EVERY = 0.5
"""Seconds between two looks at the progress."""
FOREVER = 7 * 24 * 3600.0


class Command(BaseCommand):
    help = (
        "Asks each version all cases of a dataset and compares the others with the first. "
        "With --gate it exits with 0: pass, 1: error, 2: regression, 3: inconclusive."
    )
    parsed = False

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("dataset", nargs="?", help="its name")
        parser.add_argument("--versions", nargs="+", default=[], help="the first one is the baseline")
        parser.add_argument("--resume", type=int, metavar="RUN", help="go on with this run instead")
        parser.add_argument(
            "--against",
            type=int,
            metavar="RUN",
            help="compare with the baseline of that run, without asking it",
        )
        parser.add_argument("--gate", action="store_true", help="let the exit code tell the verdict")
        parser.add_argument("--repeats", type=int, default=1, help="times that each case is asked")
        parser.add_argument("--concurrency", type=int, default=8, help="questions open at a time")
        parser.add_argument("--cap", type=_usd, help="USD that the run may cost")
        parser.add_argument("--model", default="", help="instead of the versions' own")
        parser.add_argument("--junit", type=Path, help="write JUnit XML to this file")
        parser.add_argument("--markdown", type=Path, help="write the report to this file")
        parser.add_argument("--json", type=Path, help="write the report as JSON to this file")

    def run_from_argv(self, argv: list[str]) -> None:
        try:
            super().run_from_argv(argv)
        except SystemExit as left:
            # argparse leaves with 2 for a wrong option, which would mean a regression here.
            sys.exit(left.code if self.parsed or not left.code else ERROR)

    def handle(self, **options: Any) -> None:
        self.parsed = True
        # The report is for people: a line of log for each call would bury it.
        structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
        try:
            run = self._begin(options)
        except EvalError as exc:
            raise CommandError(str(exc), returncode=ERROR) from exc
        self.stderr.write(f"{run}: {run.total} questions, {_estimate(run)}", style_func=str)
        try:
            asyncio.run(self._work(run.pk))
        except KeyboardInterrupt:
            services.cancel_run(run.pk, actor=_user())
            raise CommandError(
                f"cancelled; go on with manage.py eval --resume {run.pk}", returncode=ERROR
            ) from None
        run.refresh_from_db()
        self._tell(run, options)

    def _begin(self, options: Mapping[str, Any]) -> EvalRun:
        if options["resume"]:
            return services.resume_run(options["resume"], actor=_user(), cap_usd=options["cap"])
        if not options["dataset"] or not options["versions"]:
            raise CommandError("name a dataset and its --versions, or a run to --resume", returncode=ERROR)
        if options["gate"] and len(options["versions"]) < 2 and not options["against"]:
            raise CommandError("a gate compares: name two versions, or a run --against", returncode=ERROR)
        return services.start_run(
            dataset=options["dataset"],
            versions=options["versions"],
            repeats=options["repeats"],
            concurrency=options["concurrency"],
            cap_usd=options["cap"],
            model=options["model"],
            actor=_user(),
        )

    async def _work(self, run_id: int) -> None:
        watching = asyncio.create_task(self._watch(run_id))
        try:
            while (await work_on(run_id, seconds=FOREVER)).more:  # noqa: ASYNC110 - another process decides
                await asyncio.sleep(LOOK_EVERY)
        finally:
            watching.cancel()
            self.stderr.write("", ending="\n" if sys.stderr.isatty() else "")

    async def _watch(self, run_id: int) -> None:
        """One line, again and again; where nobody looks at a terminal, none."""
        began = time.monotonic()
        before = await in_thread(partial(EvalRun.objects.get, pk=run_id))
        while sys.stderr.isatty():
            await asyncio.sleep(LOOK_EVERY)
            run = await in_thread(partial(EvalRun.objects.get, pk=run_id))
            line = progress_line(
                finished=run.finished - before.finished,
                total=run.total - before.finished,
                failed=run.failed,
                seconds=time.monotonic() - began,
                spent_usd=float(run.spent_usd),
            )
            self.stderr.write(f"\r\x1b[K{line}", style_func=str, ending="")

    def _report(self, run: EvalRun, against: int | None) -> RunReport | None:
        if against is None:
            return kept_report(run)
        try:
            return report_against(run, services.find_run(against))
        except EvalError as exc:
            raise CommandError(str(exc), returncode=ERROR) from exc

    def _tell(self, run: EvalRun, options: Mapping[str, Any]) -> None:
        report = self._report(run, options["against"])
        if run.state != EvalRun.State.DONE or report is None:
            why = f"{run} {run.get_state_display()} after {run.finished} of {run.total} questions"
            raise CommandError(f"{why}; go on with manage.py eval --resume {run.pk}", returncode=ERROR)
        title = f"{run.dataset_version}: {', '.join(run.versions)}"
        markdown = to_markdown(report, title=title)
        self.stdout.write(markdown)
        _write(options["markdown"], markdown)
        _write(options["json"], msgspec.json.format(msgspec.json.encode(report)).decode() + "\n")
        if options["junit"]:
            _write(
                options["junit"], to_junit(report, case_outcomes(run), name=run.dataset_version.dataset.name)
            )
        if options["gate"] and (code := exit_code(report)):
            raise CommandError(_blame(report), returncode=code)


def exit_code(report: RunReport) -> int:
    """The gravest of the verdicts; an error where there is none."""
    codes = [CODES[comparison.verdict] for comparison in report.comparisons]
    return REGRESSION if REGRESSION in codes else max(codes, default=ERROR)


def _blame(report: RunReport) -> str:
    passed = ("better", "not worse")
    return "\n".join(f"{c.version}: {c.reason}" for c in report.comparisons if c.verdict not in passed)


def _estimate(run: EvalRun) -> str:
    known = "of unknown price" if run.estimate_usd is None else f"at most ${run.estimate_usd:.4f}"
    return f"{known}, stopping at ${run.cap_usd:.2f}"


def _write(path: Path | None, text: str) -> None:
    if path:
        path.write_text(text, encoding="utf-8")


def _usd(text: str) -> Decimal:
    try:
        return Decimal(text)
    except InvalidOperation:
        raise argparse.ArgumentTypeError(f"{text!r} is no amount") from None


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container's user need not have a name
        return "unknown"
