"""What came of a run: a line for each scenario, and files for people and for machines."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    name: str
    """Row and scenario."""
    promise: str
    seconds: float
    figures: Mapping[str, object]
    failure: str | None
    """Why the promise does not hold; None where it does."""


def line(result: Result) -> str:
    said = result.failure or told(result.figures)
    return f"{'FAIL' if result.failure else 'ok  '} {result.name}, {result.seconds:.1f} s: {said}"


def told(figures: Mapping[str, object]) -> str:
    return "; ".join(f"{name} {_short(value)}" for name, value in figures.items())


def write(results: Sequence[Result], directory: Path, *, seed: int) -> None:
    """`<time>.md` and `<time>.json` in `directory`."""
    directory.mkdir(exist_ok=True)
    at = datetime.now(UTC)
    name = f"{at:%Y-%m-%dT%H%M%S}"
    document = {"at": at.isoformat(), "seed": seed, "results": [asdict(result) for result in results]}
    (directory / f"{name}.json").write_text(json.dumps(document, indent=1, default=str) + "\n")
    (directory / f"{name}.md").write_text(_table(results, at))


def _table(results: Sequence[Result], at: datetime) -> str:
    lines = [
        f"# What held on {at:%Y-%m-%d at %H:%M} UTC",
        "",
        "| scenario | promise | held | seconds | figures |",
        "| --- | --- | --- | --- | --- |",
    ]
    for one in results:
        said = (one.failure or told(one.figures)).replace("|", "/").replace("\n", " ")
        held = "no" if one.failure else "yes"
        lines.append(f"| {one.name} | {one.promise} | {held} | {one.seconds:.1f} | {said} |")
    return "\n".join(lines) + "\n"


def _short(value: object) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value)
