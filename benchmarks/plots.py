"""`python -m benchmarks.plots`: the PNG of each row in `results/`, from `results.json`."""

import json
from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("Agg")
from matplotlib import pyplot

RESULTS = Path(__file__).parent / "results"
PLOTS = {
    "requests": ("requests/s, 32 connections, one core", ["hit, 32", "miss, 32"], "requests/s", False),
    "latency": ("p50 at one connection, ms", ["hit, 1", "miss, 1"], "p50 ms", True),
    "streams": ("400 streams of one second, s", ["streams"], "first text p50 s", True),
}
"""Name -> title, groups, figure, and whether less is better."""
ORDER = ("ours", "portkey", "litellm", "floor")


def main() -> None:
    figures = json.loads((RESULTS / "results.json").read_text())["figures"]
    for name, (title, groups, figure, less) in PLOTS.items():
        shown = [(group, bars(figures, f"{group}: {figure}")) for group in groups]
        if any(found for _, found in shown):
            draw(name, title + (" (less is better)" if less else ""), shown)


def bars(figures: dict[str, Any], figure: str) -> dict[str, tuple[float, float, float]]:
    """Gateway -> median, least and most of its rounds."""
    found = {name: figures[name][figure] for name in ORDER if figure in figures.get(name, {})}
    return {name: (each["median"], min(each["rounds"]), max(each["rounds"])) for name, each in found.items()}


def draw(name: str, title: str, shown: list[tuple[str, dict[str, tuple[float, float, float]]]]) -> None:
    figure, axes = pyplot.subplots(1, len(shown), figsize=(4.2 * len(shown), 2.6), squeeze=False)
    for axis, (group, found) in zip(axes[0], shown, strict=True):
        names, values = list(found)[::-1], list(found.values())[::-1]
        spread = [[middle - low for middle, low, _ in values], [high - middle for middle, _, high in values]]
        colours = ["#2a78d6" if each == "ours" else "#b5b9c0" for each in names]
        drawn = axis.barh(
            names, [middle for middle, *_ in values], xerr=spread, color=colours, ecolor="#52514e"
        )
        axis.bar_label(
            drawn,
            labels=[f"{middle:,.3g}" if middle < 1000 else f"{middle:,.0f}" for middle, *_ in values],
            padding=6,
        )
        axis.set_title(group.removesuffix(", 32").removesuffix(", 1"), loc="left", fontsize=10)
        axis.spines[["top", "right"]].set_visible(False)
        axis.margins(x=0.25)
    figure.suptitle(title, x=0.01, ha="left", fontsize=11)
    figure.tight_layout()
    figure.savefig(RESULTS / f"{name}.png", dpi=144)
    pyplot.close(figure)


if __name__ == "__main__":
    main()
