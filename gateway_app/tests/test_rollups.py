"""Sums by hour, day and month are what the calls themselves add up to, whenever they come."""

import random
import threading
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection, connections, transaction

from gateway_app import usage
from gateway_app.histogram import GROWTH, LEAST, middle
from gateway_app.models import Call, Rollup, RollupDue
from gateway_app.rollup_sql import ALIKE, HISTOGRAMS, SUMS
from gateway_app.rollups import LOCK, roll_up, roll_up_due
from gateway_app.tests.histograms import held
from gateway_app.tests.ledger_calls import NOON, call, calls, write

pytestmark = pytest.mark.django_db

DAY = timedelta(days=1)


def total(period: str = "hour") -> usage.Summary:
    rows = usage.chosen(period=period, since=NOON - 40 * DAY, until=NOON + 2 * DAY)
    return usage.summarize(rows).total


def test_an_hour_and_its_day_sum_up_what_was_written() -> None:
    write(
        call("a"),
        call("b", cache="HIT", cost_usd=Decimal(0), saved_usd=Decimal("0.5")),
        call("c", outcome="error", error_code="provider_timeout", cost_usd=None),
        call("d", outcome="cancelled", cost_usd=None),
        call("e", cost_usd=None),
    )
    assert roll_up_due() == 1
    for period in ("hour", "day", "month"):
        found = total(period)
        assert (found.calls, found.hits, found.errors, found.cancelled) == (5, 1, 1, 1)
        assert (found.input_tokens, found.thinking_tokens) == (500, 50)
        assert (found.cost_usd, found.unpriced, found.saved_usd) == (Decimal("0.0001"), 1, Decimal("0.5"))


def test_a_late_call_is_added_and_nothing_counts_twice() -> None:
    write(*calls(3))
    roll_up_due()
    write(call("late", created_at=NOON + timedelta(minutes=59)))
    write(*calls(0))
    assert roll_up_due() == 1
    assert (total("hour").calls, total("day").calls) == (4, 4)
    assert Rollup.objects.filter(period="hour").count() == 1


def test_without_new_calls_there_is_nothing_to_do() -> None:
    write(call())
    roll_up_due()
    assert roll_up_due() == 0
    assert not RollupDue.objects.exists()


def test_days_of_different_hours_are_added_up() -> None:
    write(*(call(f"r{hour}", created_at=NOON + timedelta(hours=hour)) for hour in range(14)))
    roll_up_due()
    rows = usage.chosen(period="day", since=NOON - DAY, until=NOON + 2 * DAY)
    assert [(found.group[0].day, found.calls) for found in usage.summarize(rows, "start").groups] == [
        (20, 12),
        (21, 2),
    ]


def test_what_is_absent_is_told_from_what_is_empty() -> None:
    write(call("a", key_id=None, key_name=None), call("b", key_id="", key_name=None))
    roll_up_due()
    assert sorted(Rollup.objects.filter(period="month").values_list("key_id", "calls"), key=str) == [
        ("", 1),
        (None, 1),
    ]


def test_a_month_is_the_sum_of_its_days_however_often_it_is_summed_up() -> None:
    hours = scattered(days=75)
    for _ in range(2):
        roll_up(hours)
        days, months = added_up("day"), added_up("month")
        assert len({month for month, *_ in months}) == 3
        assert months == days
    assert sum(sums["calls"] for sums in months.values()) == Call.objects.count()


def scattered(*, days: int) -> list[datetime]:
    """Writes calls of many kinds, and gives their hours."""
    dice = random.Random(days)  # noqa: S311 - dice, not secrets
    written = [
        call(
            f"r-{number}",
            created_at=NOON - dice.random() * days * DAY,
            model=dice.choice(("quick", "slow", None)),
            prompt_name=dice.choice(("summarizer", None)),
            outcome=dice.choice(("ok", "ok", "error")),
            cost_usd=dice.choice((None, Decimal("0.0000000001"), Decimal("12.5"))),
            latency=dice.randrange(1, 64) / 1024,  # sums of these are exact in any order
            time_to_first_token=dice.choice((None, dice.randrange(1, 64) / 1024)),
        )
        for number in range(400)
    ]
    write(*written)
    return sorted({one.created_at.replace(minute=0, second=0, microsecond=0) for one in written})


def added_up(period: str) -> dict[tuple[object, ...], dict[str, object]]:
    """Sums and histograms of each month and of each kind of calls."""
    found: dict[tuple[object, ...], dict[str, Any]] = {}
    for row in Rollup.objects.filter(period=period):
        alike = (f"{row.start:%Y-%m}", *(getattr(row, name) for name in ALIKE))
        sums = found.setdefault(alike, dict.fromkeys(SUMS, 0))
        for name in SUMS:
            value = getattr(row, name)
            # Exactly, where Decimal would round.
            sums[name] += int(value) if name in HISTOGRAMS else value
    return found


def test_only_one_process_sums_up_at_a_time(transactional_db: None) -> None:
    write(call())
    found: list[int] = []

    def other() -> None:
        found.append(roll_up_due())
        connections.close_all()

    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [LOCK])
        thread = threading.Thread(target=other)
        thread.start()
        thread.join()
    assert found == [0]
    assert roll_up_due() == 1


@pytest.mark.parametrize("milliseconds", [0, 0.01, 0.5, 1, 9.999, 250, 59_999, 600_000])
def test_a_duration_is_counted_in_its_bucket(milliseconds: float) -> None:
    write(call(latency=milliseconds / 1000))
    roll_up_due()
    kept = Call.objects.get().latency_ms
    ((bucket, count),) = held(int(Rollup.objects.get(period="hour").latency)).items()
    assert count == 1
    assert GROWTH**bucket <= max(kept, LEAST) * (1 + 1e-9) < GROWTH ** (bucket + 1) * (1 + 2e-9)
    assert middle(bucket) == pytest.approx(max(kept, LEAST), rel=0.05)


def test_a_percentile_is_right_to_within_five_percent() -> None:
    dice = random.Random(7)  # noqa: S311 - dice, not secrets
    latencies = sorted(dice.lognormvariate(-1, 1) for _ in range(400))
    write(*(call(f"r{n}", latency=latency) for n, latency in enumerate(latencies)))
    roll_up_due()
    for period in ("hour", "day", "month"):
        assert total(period).latencies.p50 == pytest.approx(latencies[199] * 1000, rel=0.05)
        assert total(period).latencies.p95 == pytest.approx(latencies[379] * 1000, rel=0.05)


def test_every_group_has_percentiles_of_its_own() -> None:
    write(call("a", model="quick", latency=0.01), call("b", model="slow", latency=10))
    roll_up_due()
    rows = usage.chosen(period="day", since=NOON - DAY, until=NOON + DAY)
    quick, slow = usage.summarize(rows, "model").groups
    assert quick.latencies.p50 == pytest.approx(10, rel=0.05)
    assert slow.latencies.p50 == pytest.approx(10_000, rel=0.05)
    assert usage.summarize(rows, "start").groups[0].latencies.p95 == pytest.approx(10_000, rel=0.05)


def test_a_percentile_of_nothing_is_none() -> None:
    write(call(time_to_first_token=None))
    assert total().latencies.p50 is None
    roll_up_due()
    assert total().first_tokens.p95 is None


def test_groups_come_in_order_with_what_is_absent_last() -> None:
    write(call("a", model="b"), call("b", model="a"), call("c", model=None))
    roll_up_due()
    rows = usage.chosen(period="day", since=NOON - DAY, until=NOON + DAY)
    assert [found.group for found in usage.summarize(rows, "model").groups] == [("a",), ("b",), (None,)]
