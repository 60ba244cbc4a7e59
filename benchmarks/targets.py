"""What must be reached, as ratios of what one run measured side by side."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from benchmarks.figures import Figures

Take = Callable[[str, str], float]
"""The median of (gateway, figure). Raises `KeyError` where this run did not measure it."""


@dataclass(frozen=True, kw_only=True)
class Target:
    what: str
    take: Callable[[Take], float]
    bound: float
    unit: str = "times"
    at_most: bool = False

    def reached(self, value: float) -> bool:
        return value <= self.bound if self.at_most else value >= self.bound


def _rate(gateway: str, kind: str) -> tuple[str, str]:
    return gateway, f"{kind}, 32: requests/s"


def _ratio(above: tuple[str, str], below: tuple[str, str]) -> Callable[[Take], float]:
    return lambda take: take(*above) / take(*below)


def _added(gateway: str, kind: str) -> Callable[[Take], float]:
    """p50 at one connection, less the vendor's own."""
    return lambda take: take(gateway, f"{kind}, 1: p50 ms") - take("vendor", "miss, 1: p50 ms")


def _growth(what: str, kind: str) -> Target:
    def take(take: Take) -> float:
        after, before = (
            take("ours", figure) / take("floor", figure)
            for figure in (f"{what}, {when}, {kind}, 32: CPU ms" for when in ("after", "before"))
        )
        return after / before

    return Target(
        what=f"{kind}, CPU against the floor's, after {what} grew / before",
        take=take,
        bound=1.05,
        at_most=True,
    )


def _workers(take: Take) -> float:
    """Twice what two workers do with a second of CPU over 32 connections each, against what one does."""
    return 2 * take("ours", "1 workers, hit, 32: CPU ms") / take("ours", "2 workers, hit, 64: CPU ms")


V1_HIT, STREAM_HIT, CHAT_HIT = (_rate("ours", kind) for kind in ("hit", "chat/stream hit", "chat hit"))
TARGETS = (
    Target(what="hit /v1, us / LiteLLM", take=_ratio(V1_HIT, _rate("litellm", "hit")), bound=25),
    Target(what="hit /v1, us / floor", take=_ratio(V1_HIT, _rate("floor", "hit")), bound=0.4),
    Target(what="hit /chat/stream, us / LiteLLM", take=_ratio(STREAM_HIT, _rate("litellm", "hit")), bound=25),
    Target(what="hit /chat/stream, us / floor", take=_ratio(STREAM_HIT, _rate("floor", "hit")), bound=0.4),
    Target(what="hit /chat, us / LiteLLM", take=_ratio(CHAT_HIT, _rate("litellm", "hit")), bound=10),
    Target(what="miss, us / LiteLLM", take=_ratio(_rate("ours", "miss"), _rate("litellm", "miss")), bound=25),
    Target(what="miss, us / Portkey", take=_ratio(_rate("ours", "miss"), _rate("portkey", "miss")), bound=2),
    Target(
        what="hit at 1 connection, in all",
        take=lambda take: take("ours", "hit, 1: p50 ms"),
        bound=1,
        unit="ms",
        at_most=True,
    ),
    Target(
        what="miss at 1 connection, added: us / Portkey",
        take=lambda take: _added("ours", "miss")(take) / _added("portkey", "miss")(take),
        bound=0.5,
        at_most=True,
    ),
    Target(
        what="400 streams, first text: us / Portkey",
        take=_ratio(("ours", "streams: first text p50 s"), ("portkey", "streams: first text p50 s")),
        bound=0.4,
        at_most=True,
    ),
    Target(
        what="400 streams, in all",
        take=lambda take: take("ours", "streams: total p50 s"),
        bound=1.25,
        unit="s",
        at_most=True,
    ),
    Target(
        what="2,000 WebSockets, each",
        take=lambda take: take("ours", "sockets: kB each"),
        bound=40,
        unit="kB",
        at_most=True,
    ),
    Target(what="1 → 2 workers, work a second of CPU", take=_workers, bound=1.7),
    *(_growth(what, kind) for what in ("prompts", "ledger") for kind in ("hit", "miss")),
    Target(
        what="memory after 200,000 requests",
        take=lambda take: take("ours", "memory: MB at the end"),
        bound=200,
        unit="MB",
        at_most=True,
    ),
    Target(
        what="memory, slope in the second half",
        take=lambda take: take("ours", "memory: kB per 1,000 requests"),
        bound=20,
        unit="kB / 1,000 requests",
        at_most=True,
    ),
    Target(
        what="cold start",
        take=lambda take: take("ours", "cold start: s"),
        bound=2.5,
        unit="s",
        at_most=True,
    ),
)


def judged(figures: Figures) -> Iterator[tuple[Target, float]]:
    """Those that this run can judge."""

    def take(gateway: str, figure: str) -> float:
        found = figures.median(gateway, figure)
        if found is None:
            raise KeyError(figure)
        return found

    for target in TARGETS:
        try:
            yield target, target.take(take)
        except KeyError:
            continue
