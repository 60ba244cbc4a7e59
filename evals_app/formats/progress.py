"""How far a run is, in one line."""

WIDTH = 24


def progress_line(*, finished: int, total: int, failed: int, seconds: float, spent_usd: float) -> str:
    """`seconds`: since the start; the rate over them tells how long the rest will take."""
    filled = WIDTH * finished // max(total, 1)
    rate = finished / seconds if seconds > 0 else 0.0
    left = f"{(total - finished) / rate:.0f} s left" if rate else "waiting"
    errors = f", {failed} errors" if failed else ""
    bar = "█" * filled + "·" * (WIDTH - filled)
    return f"{bar} {finished}/{total}{errors}, {rate:.1f}/s, {left}, ${spent_usd:.4f}"
