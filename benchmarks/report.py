"""Writes what was measured into `results/`: Markdown for people, JSON for programs, PNG for a look."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from benchmarks.figures import Figures
from benchmarks.targets import judged
from llmgateway.env import ROOT

RESULTS = Path(__file__).parent / "results"
PLOTTER = ROOT / "var" / "bench" / "plots" / "bin" / "python"
GATEWAYS = ("ours", "floor", "litellm", "portkey", "vendor")


def write(figures: Figures, about: dict[str, Any]) -> None:
    RESULTS.mkdir(exist_ok=True)
    document = {"about": about, "figures": figures.as_json()}
    (RESULTS / "results.json").write_bytes(msgspec.json.format(msgspec.json.encode(document), indent=1))
    markdown = "\n".join(_lines(figures, about)) + "\n"
    (RESULTS / "results.md").write_text(markdown)
    sys.stdout.write(markdown)
    _plot()


def _plot() -> None:
    """With the Python that has matplotlib, which `make bench` installs; without it there are no plots."""
    if PLOTTER.exists():
        subprocess.run([PLOTTER, "-m", "benchmarks.plots"], cwd=ROOT, check=True, timeout=120)


def _lines(figures: Figures, about: dict[str, Any]) -> Iterator[str]:
    yield "# Benchmark"
    yield ""
    for name, value in about.items():
        told = ", ".join(f"{key} {each}" for key, each in value.items()) if isinstance(value, dict) else value
        yield f"- {name}: {told or 'none'}"
    yield from _targets(figures)
    yield from _medians(figures)


def _targets(figures: Figures) -> Iterator[str]:
    yield from ("", "## Targets", "", "| measured | value | must be | |", "| --- | ---: | ---: | --- |")
    for target, value in judged(figures):
        bound = f"{'≤' if target.at_most else '≥'} {target.bound:g} {target.unit}"
        verdict = "reached" if target.reached(value) else "**missed**"
        yield f"| {target.what} | {value:.2f} {target.unit} | {bound} | {verdict} |"


def _medians(figures: Figures) -> Iterator[str]:
    found = {name: told for name, told in figures.as_json().items() if told}
    columns = [name for name in GATEWAYS if name in found]
    names = dict.fromkeys(figure for (_, figure) in figures.values)
    yield from ("", "## Medians", "", f"| | {' | '.join(columns)} |", f"| --- |{' ---: |' * len(columns)}")
    for figure in names:
        yield f"| {figure} | {' | '.join(_told(figures.median(column, figure)) for column in columns)} |"


def _told(value: float | None) -> str:
    if value is None:
        return ""
    return f"{value:,.3g}" if abs(value) < 1000 else f"{value:,.0f}"
