"""An experiment's charts as SVG text; colours are classes, for the page's theme to decide."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from evals_app.svg import drawing, text

WIDTH, HEIGHT = 520, 220
LEFT, RIGHT, TOP, BOTTOM = 64, 14, 12, 26
BAR = 22
BINS = 10
GROUP = 96


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """One look."""

    at: str
    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Guard:
    """One guardrail: how much worse it became, in the unit of its margin."""

    name: str
    says: str
    value: float
    low: float
    high: float
    margin: float
    tone: str
    """`good`, `bad` or `open`."""


def over_time(points: Sequence[Point], *, title: str, tell: Callable[[float], str], tone: str) -> str:
    """The estimate and its interval at each look, around a line at zero. Empty without two looks."""
    if len(points) < 2:
        return ""
    reach = _reach(points)
    xs = [LEFT + (WIDTH - LEFT - RIGHT) * place / (len(points) - 1) for place in range(len(points))]

    def y(value: float) -> float:
        middle, half = (TOP + HEIGHT - BOTTOM) / 2, (HEIGHT - BOTTOM - TOP) / 2
        return middle - half * max(-1.0, min(1.0, value / reach))

    upper = [f"{x:.1f},{y(point.high):.1f}" for x, point in zip(xs, points, strict=True)]
    lower = [f"{x:.1f},{y(point.low):.1f}" for x, point in zip(xs, points, strict=True)]
    line = " ".join(f"{x:.1f},{y(point.value):.1f}" for x, point in zip(xs, points, strict=True))
    grid = "".join(
        f'<line class="{"chart-zero" if not share else "chart-rule"}" x1="{LEFT}" x2="{WIDTH - RIGHT}" '
        f'y1="{y(share * reach):.1f}" y2="{y(share * reach):.1f}"/>'
        + text(LEFT - 8, y(share * reach) + 4, tell(share * reach) if share else "0", "chart-tick chart-end")
        for share in (1.0, 0.5, 0.0, -0.5, -1.0)
    )
    last = points[-1]
    return drawing(
        f'{grid}<polygon class="chart-band chart-{tone}" points="{" ".join(upper + lower[::-1])}"/>'
        f'<polyline class="chart-path chart-{tone}" points="{line}"/>'
        f'<circle class="chart-dot chart-{tone}" cx="{xs[-1]:.1f}" cy="{y(last.value):.1f}" r="4"/>'
        + text(LEFT, HEIGHT - 6, points[0].at, "chart-tick")
        + text(WIDTH - RIGHT, HEIGHT - 6, last.at, "chart-tick chart-end"),
        width=WIDTH,
        height=HEIGHT,
        title=title,
    )


def guardrail(guard: Guard) -> str:
    """The interval of the harm, the line at no change, and what lies beyond the margin."""
    reach = max(guard.margin * 2, -guard.low, guard.high, 1e-12) * 1.08
    # A guardrail that has hardly any data must not make the others' margins invisible.
    reach = min(reach, max(guard.margin * 6, abs(guard.value) * 2, 1e-12) * 1.08)

    def x(value: float) -> float:
        middle, half = WIDTH / 2, WIDTH / 2 - 4
        return middle + half * max(-1.0, min(1.0, value / reach))

    y = BAR / 2
    zero, margin = x(0.0), x(guard.margin)
    return drawing(
        f'<line class="chart-rule" x1="4" x2="{WIDTH - 4}" y1="{y}" y2="{y}"/>'
        f'<rect class="chart-forbidden" x="{margin:.1f}" y="2" width="{max(0.0, WIDTH - 4 - margin):.1f}" '
        f'height="{BAR - 4}" rx="2"/>'
        f'<line class="chart-zero" x1="{zero:.1f}" x2="{zero:.1f}" y1="0" y2="{BAR}"/>'
        f'<line class="chart-interval chart-{guard.tone}" x1="{x(guard.low):.1f}" '
        f'x2="{x(guard.high):.1f}" y1="{y}" y2="{y}"/>'
        f'<circle class="chart-dot chart-{guard.tone}" cx="{x(guard.value):.1f}" cy="{y}" r="5"/>',
        width=WIDTH,
        height=BAR,
        title=f"{guard.name}: {guard.says}",
    )


def scores(counts: Mapping[str, Sequence[int]], *, ends: tuple[str, str], title: str) -> str:
    """How the scores of each arm are spread, in shares of the arm, so that arms of any size compare."""
    shares = {arm: [n / max(1, sum(bins)) for n in bins] for arm, bins in counts.items()}
    most = max((share for bins in shares.values() for share in bins), default=0.0) or 1.0
    parts = []
    for place, (arm, bins) in enumerate(shares.items()):
        top = place * GROUP
        parts.append(text(0, top + GROUP / 2 + 8, arm))
        parts += [_column(bin_, share, most, top, place) for bin_, share in enumerate(bins)]
    floor = len(shares) * GROUP
    parts += [text(LEFT, floor + 14, ends[0], "chart-tick")]
    parts += [text(WIDTH - RIGHT, floor + 14, ends[1], "chart-tick chart-end")]
    return drawing("".join(parts), width=WIDTH, height=floor + 20, title=title)


def _column(place: int, share: float, most: float, top: float, group: int) -> str:
    step = (WIDTH - LEFT - RIGHT) / BINS
    tall = (GROUP - 26) * share / most
    x, y = LEFT + place * step + 2, top + GROUP - tall
    column = (
        f'<rect class="chart-group-{group % 4}" x="{x:.1f}" y="{y:.1f}" width="{step - 4:.1f}" '
        f'height="{tall:.1f}" rx="2"/>'
    )
    told = f"{share:.0%}" if share >= 0.005 else ""
    return column + text(x + step / 2 - 2, y - 4, told, "chart-tick chart-middle")


def _reach(points: Sequence[Point]) -> float:
    """As wide as the later looks need: the first intervals may be huge, and are cut."""
    late = points[len(points) // 4 :]
    widest = max(max(abs(point.low), abs(point.high)) for point in late) or 1.0
    size: float = 10.0 ** math.floor(math.log10(widest))
    return next(size * part for part in (1, 1.5, 2, 3, 4, 5, 7.5, 10) if size * part >= widest * 0.999)
