"""Charts as SVG text, coloured by the page's style sheet, so that they follow its light and dark mode."""

from collections.abc import Sequence
from dataclasses import dataclass

from evals_app.svg import drawing, text

WIDTH = 640
LABELS = 170
VALUES = 110
ROW = 30
PADDING = 26
BINS = 10
HEIGHT = 120
BAR = 22


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """One estimate with its interval."""

    label: str
    value: float
    low: float
    high: float
    says: str
    """The value in words, at the end of the row."""
    tone: str
    """`good`, `bad` or `open`: what the interval proves."""


def interval_chart(bars: Sequence[Bar], *, title: str) -> str:
    """Intervals under each other around a line at zero; the axis is as wide as they need."""
    reach = max((abs(edge) for bar in bars for edge in (bar.low, bar.high)), default=0.0) or 1.0
    height = ROW * len(bars) + PADDING
    rows = "".join(_row(bar, ROW * number + ROW / 2, reach) for number, bar in enumerate(bars))
    zero = _x(0.0, reach)
    axis = f'<line class="chart-zero" x1="{zero:.1f}" x2="{zero:.1f}" y1="0" y2="{height - PADDING}"/>'
    ticks = "".join(_tick(share * reach, reach, height) for share in (-1.0, 0.0, 1.0))
    return drawing(axis + rows + ticks, width=WIDTH, height=height, title=title)


def histogram(groups: Sequence[tuple[str, Sequence[float]]], *, title: str) -> str:
    """How many values from 0 to 1 fall into each tenth, one row of columns for each group."""
    counts = [(name, _binned(values)) for name, values in groups]
    most = max((count for _, bins in counts for count in bins), default=0) or 1
    parts = []
    for number, (name, bins) in enumerate(counts):
        top = number * (HEIGHT + PADDING)
        parts.append(text(0, top + HEIGHT / 2, name))
        parts += [_column(place, count, most, top, number) for place, count in enumerate(bins)]
    ends = len(counts) * (HEIGHT + PADDING)
    scale = text(LABELS, ends - 8, "0", "chart-tick") + text(
        WIDTH - VALUES, ends - 8, "1", "chart-tick chart-end"
    )
    return drawing("".join(parts) + scale, width=WIDTH, height=max(ends, 1), title=title)


def share_bar(parts: Sequence[tuple[str, int]], *, title: str) -> str:
    """One bar in pieces as long as their counts; a piece's class is `chart-share-<name>`."""
    total = sum(count for _, count in parts) or 1
    x, drawn = 0.0, []
    for name, count in parts:
        if not count:
            continue
        width = WIDTH * count / total
        place = f'x="{x:.1f}" y="0" width="{width - 2:.1f}" height="{BAR}"'
        drawn.append(f'<rect class="chart-share-{name}" {place} rx="3"/>')
        says = f"{count} {name}"
        if width > 8 * len(says):
            drawn.append(text(x + 8, BAR - 7, says, "chart-share"))
        x += width
    words = ", ".join(f"{count} {name}" for name, count in parts)
    return drawing("".join(drawn), width=WIDTH, height=BAR, title=f"{title}: {words}")


def _row(bar: Bar, y: float, reach: float) -> str:
    low, value, high = (_x(number, reach) for number in (bar.low, bar.value, bar.high))
    return (
        text(0, y + 4, bar.label)
        + f'<line class="chart-interval chart-{bar.tone}" x1="{low:.1f}" x2="{high:.1f}" y1="{y}" y2="{y}"/>'
        + f'<circle class="chart-dot chart-{bar.tone}" cx="{value:.1f}" cy="{y}" r="4.5"/>'
        + text(WIDTH, y + 4, bar.says, "chart-end")
    )


def _tick(value: float, reach: float, height: float) -> str:
    shown = "0" if not value else f"{value:+.2g}"
    return text(_x(value, reach), height - 8, shown, "chart-tick chart-middle")


def _column(place: int, count: int, most: int, top: float, group: int) -> str:
    step = (WIDTH - LABELS - VALUES) / BINS
    tall = (HEIGHT - 20) * count / most
    x, y = LABELS + place * step + 2, top + HEIGHT - tall
    column = (
        f'<rect class="chart-column chart-group-{group % 4}" x="{x:.1f}" y="{y:.1f}" '
        f'width="{step - 4:.1f}" height="{tall:.1f}" rx="2"/>'
    )
    return column + (text(x + step / 2 - 2, y - 4, str(count), "chart-tick chart-middle") if count else "")


def _binned(values: Sequence[float]) -> list[int]:
    bins = [0] * BINS
    for value in values:
        bins[max(0, min(BINS - 1, int(value * BINS)))] += 1
    return bins


def _x(value: float, reach: float) -> float:
    middle, half = (LABELS + WIDTH - VALUES) / 2, (WIDTH - VALUES - LABELS) / 2
    return middle + half * value / reach
