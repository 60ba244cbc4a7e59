import math
import subprocess
import sys
from collections import Counter
from statistics import NormalDist

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prompts_app.splitting import BUCKETS, allocate, choose

UNITS = [f"user-{number}" for number in range(100_000)]


def chi_square_p(observed: Counter[str], expected: dict[str, float]) -> float:
    """The chance of a fit this bad (Wilson and Hilferty's approximation)."""
    freedom = len(expected) - 1
    statistic = sum((observed[label] - count) ** 2 / count for label, count in expected.items())
    deviation = math.sqrt(2 / (9 * freedom))
    return 1 - NormalDist().cdf(((statistic / freedom) ** (1 / 3) - 1 + deviation**2) / deviation)


@pytest.mark.parametrize(
    "weights",
    [{"v1": 90, "v2": 10}, {"v1": 50, "v2": 50}, {"v1": 1, "v2": 99}, {"v1": 34, "v2": 33, "v3": 33}],
)
def test_units_spread_as_the_weights_say(weights: dict[str, int]) -> None:
    owners = allocate(weights)
    observed = Counter(choose(owners, unit=unit, salt="pepper") for unit in UNITS)
    expected = {label: percent * len(UNITS) / 100 for label, percent in weights.items()}
    assert chi_square_p(observed, expected) > 0.001


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({"v1": 100}, {"v1": 90, "v2": 10}),
        ({"v1": 90, "v2": 10}, {"v1": 80, "v2": 20}),
        ({"v1": 50, "v2": 30, "v3": 20}, {"v1": 60, "v2": 20, "v3": 20}),
        ({"v1": 50, "v2": 30, "v3": 20}, {"v1": 40, "v2": 30, "v3": 30}),
        ({"v1": 25, "v2": 25, "v3": 25, "v4": 25}, {"v1": 25, "v2": 15, "v3": 25, "v4": 35}),
        ({"v1": 10, "v2": 90}, {"v2": 90, "v3": 10}),
    ],
)
def test_moving_ten_points_moves_a_tenth_of_the_units(before: dict[str, int], after: dict[str, int]) -> None:
    old = allocate(before)
    new = allocate(after, former=old)
    moved = sum(choose(old, unit=u, salt="s") != choose(new, unit=u, salt="s") for u in UNITS)
    assert moved <= 0.105 * len(UNITS)


@st.composite
def weights(draw: st.DrawFn) -> dict[str, int]:
    cuts = sorted(draw(st.lists(st.integers(0, BUCKETS), max_size=5)))
    percents = [high - low for low, high in zip([0, *cuts], [*cuts, BUCKETS], strict=True)]
    return {f"v{number}": percent for number, percent in enumerate(percents)}


@given(weights(), weights())
def test_a_change_moves_exactly_the_points_that_changed_hands(
    old: dict[str, int], new: dict[str, int]
) -> None:
    before = allocate(old)
    after = allocate(new, former=before)
    gained = sum(max(0, new[label] - old.get(label, 0)) for label in new)
    assert Counter(after) == Counter({label: percent for label, percent in new.items() if percent})
    assert sum(one != other for one, other in zip(before, after, strict=True)) == gained


def test_another_salt_shuffles_the_units_anew() -> None:
    owners = allocate({"v1": 50, "v2": 50})
    same = sum(choose(owners, unit=u, salt="a") == choose(owners, unit=u, salt="b") for u in UNITS)
    assert same == pytest.approx(len(UNITS) / 2, rel=0.02)


def test_a_fresh_process_chooses_the_same() -> None:
    program = (
        "from prompts_app.splitting import allocate, choose\n"
        "owners = allocate({'v1': 60, 'v2': 40})\n"
        "print(*[choose(owners, unit=f'user-{n}', salt='pepper') for n in range(200)])"
    )
    fresh = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    owners = allocate({"v1": 60, "v2": 40})
    assert fresh.stdout.split() == [choose(owners, unit=unit, salt="pepper") for unit in UNITS[:200]]


def test_any_text_is_a_unit() -> None:
    owners = allocate({"v1": 50, "v2": 50})
    assert {choose(owners, unit=unit, salt="s") for unit in ["", "日本", "\ud800", "a\x00b", "x" * 10_000]}


@pytest.mark.parametrize("wrong", [{}, {"v1": 99}, {"v1": 110, "v2": -10}])
def test_weights_that_are_not_a_hundred_percents_are_refused(wrong: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="sum up to 100"):
        allocate(wrong)
