"""Charts as SVG: bars that stand on each other, and lines. Colours are classes, for themes to decide."""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from html import escape

WIDTH, HEIGHT = 400, 170
LEFT, RIGHT, TOP, BOTTOM = 50, 6, 8, 22
"""Room around the plot for the axes' words."""
LABELS = 6
"""Words under the x axis, at the most."""

Tell = Callable[[float], str]


@dataclass(frozen=True, slots=True)
class Series:
    name: str
    values: Sequence[float | None]
    """None: nothing was measured."""
    style: str
    """A class of the stylesheet."""


def bars(labels: Sequence[str], series: Sequence[Series], *, tell: Tell) -> str:
    """The series of each label on top of each other; `tell` words a value."""
    sums = [sum(one.values[index] or 0 for one in series) for index in range(len(labels))]
    top, steps = scale(max(sums, default=0))
    plot = "".join(_stack(labels, series, top=top, tell=tell))
    return _chart(_grid(steps, top=top, tell=tell) + plot + _words(labels), series)


def lines(labels: Sequence[str], series: Sequence[Series], *, tell: Tell) -> str:
    """One line for each series, broken where nothing was measured."""
    top, steps = scale(max((value or 0 for one in series for value in one.values), default=0))
    plot = "".join(_line(one, labels, top=top, tell=tell) for one in series)
    return _chart(_grid(steps, top=top, tell=tell) + plot + _words(labels), series)


def scale(highest: float) -> tuple[float, list[float]]:
    """A round number that is not below `highest`, and the steps of the axis up to it."""
    if highest <= 0:
        return 1.0, [0.0]
    size = 10 ** math.floor(math.log10(highest))
    step = next(size * part for part in (0.25, 0.5, 1, 2, 2.5, 5) if highest <= 4 * size * part)
    count = math.ceil(highest / step - 1e-9)
    return step * count, [step * number for number in range(count + 1)]


def _stack(labels: Sequence[str], series: Sequence[Series], *, top: float, tell: Tell) -> Iterator[str]:
    slot = _slot(labels)
    for index, label in enumerate(labels):
        floor = 0.0
        told = [f"{one.name} {tell(one.values[index] or 0)}" for one in series]
        left = LEFT + index * slot
        yield f'<g class="chart-slot"><title>{escape(label)}: {escape(", ".join(told))}</title>'
        yield _rect("chart-touch", left, TOP, slot, _plot_height())
        for one in series:
            value = one.values[index] or 0
            if value:
                y, bottom = _y(floor + value, top), _y(floor, top)
                yield _rect(one.style, left + slot * 0.14, y, slot * 0.72, max(bottom - y, 0.8))
            floor += value
        yield "</g>"


def _rect(style: str, x: float, y: float, width: float, height: float) -> str:
    return (
        f'<rect class="{style}" x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}" rx="1.5"/>'
    )


def _line(one: Series, labels: Sequence[str], *, top: float, tell: Tell) -> str:
    slot = _slot(labels)
    parts: list[list[str]] = [[]]
    dots = []
    for index, value in enumerate(one.values):
        if value is None:
            parts.append([])
            continue
        x, y = LEFT + (index + 0.5) * slot, _y(value, top)
        parts[-1].append(f"{x:.1f},{y:.1f}")
        title = escape(f"{labels[index]}: {one.name} {tell(value)}")
        dots.append(
            f'<circle class="{one.style}" cx="{x:.1f}" cy="{y:.1f}" r="2.6"><title>{title}</title></circle>'
        )
    paths = [f'<polyline class="{one.style}" points="{" ".join(part)}"/>' for part in parts if len(part) > 1]
    return "".join(paths + dots)


def _grid(steps: Sequence[float], *, top: float, tell: Tell) -> str:
    return "".join(
        f'<line class="chart-grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{_y(step, top):.1f}" '
        f'y2="{_y(step, top):.1f}"/><text class="chart-word" x="{LEFT - 8}" y="{_y(step, top) + 4:.1f}" '
        f'text-anchor="end">{escape(tell(step))}</text>'
        for step in steps
    )


def _words(labels: Sequence[str]) -> str:
    slot, every = _slot(labels), math.ceil(len(labels) / LABELS)
    return "".join(
        f'<text class="chart-word" x="{LEFT + (index + 0.5) * slot:.1f}" y="{HEIGHT - 6}" '
        f'text-anchor="middle">{escape(label)}</text>'
        for index, label in enumerate(labels)
        if (len(labels) - 1 - index) % every == 0
    )


def _chart(inside: str, series: Sequence[Series]) -> str:
    name = escape(", ".join(one.name for one in series))
    box = f"0 0 {WIDTH} {HEIGHT}"
    # Not "chart": unfold draws its own charts into whatever has that class.
    return f'<svg class="drawing" viewBox="{box}" role="img" aria-label="{name}">{inside}</svg>'


def _slot(labels: Sequence[str]) -> float:
    return (WIDTH - LEFT - RIGHT) / max(1, len(labels))


def _plot_height() -> int:
    return HEIGHT - TOP - BOTTOM


def _y(value: float, top: float) -> float:
    return TOP + _plot_height() * (1 - value / top)
