"""Sums by hour and day are what the calls themselves add up to, whenever they come."""

import random
import threading
from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import connection, connections, transaction

from gateway_app import usage
from gateway_app.histogram import GROWTH, LEAST, middle
from gateway_app.models import Call, Rollup, RollupDue
from gateway_app.rollups import LOCK, _bucket, roll_up_due
from gateway_app.tests.ledger_calls import NOON, call, calls, write

pytestmark = pytest.mark.django_db

DAY = timedelta(days=1)


def total(period: str = "hour") -> usage.Summary:
    rows = usage.chosen(period=period, since=NOON - 40 * DAY, until=NOON + 2 * DAY)
    return usage.summarize(rows)[0]


def test_an_hour_and_its_day_sum_up_what_was_written() -> None:
    write(
        call("a"),
        call("b", cache="HIT", cost_usd=Decimal(0), saved_usd=Decimal("0.5")),
        call("c", outcome="error", error_code="provider_timeout", cost_usd=None),
        call("d", outcome="cancelled", cost_usd=None),
        call("e", cost_usd=None),
    )
    assert roll_up_due() == 1
    for period in ("hour", "day"):
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
    assert [(found.group[0].day, found.calls) for found in usage.summarize(rows, "day_")] == [
        (20, 12),
        (21, 2),
    ]


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
    kept, bucket = Call.objects.values_list("latency_ms", _bucket("latency_ms")).get()
    assert GROWTH**bucket <= max(kept, LEAST) * (1 + 1e-9) < GROWTH ** (bucket + 1) * (1 + 2e-9)
    assert middle(bucket) == pytest.approx(max(kept, LEAST), rel=0.05)


def test_a_percentile_is_right_to_within_five_percent() -> None:
    dice = random.Random(7)  # noqa: S311 - dice, not secrets
    latencies = sorted(dice.lognormvariate(-1, 1) for _ in range(400))
    write(*(call(f"r{n}", latency=latency) for n, latency in enumerate(latencies)))
    roll_up_due()
    for period in ("hour", "day"):
        assert total(period).p50 == pytest.approx(latencies[199] * 1000, rel=0.05)
        assert total(period).p95 == pytest.approx(latencies[379] * 1000, rel=0.05)


def test_every_group_has_percentiles_of_its_own() -> None:
    write(call("a", model="quick", latency=0.01), call("b", model="slow", latency=10))
    roll_up_due()
    rows = usage.chosen(period="day", since=NOON - DAY, until=NOON + DAY)
    quick, slow = usage.summarize(rows, "model")
    assert quick.p50 == pytest.approx(10, rel=0.05)
    assert slow.p50 == pytest.approx(10_000, rel=0.05)
    assert usage.summarize(rows, usage.DAY)[0].p95 == pytest.approx(10_000, rel=0.05)


def test_a_percentile_of_nothing_is_none() -> None:
    write(call(time_to_first_token=None))
    assert total().p50 is None
    roll_up_due()
    assert total().first_token_p95 is None


def test_groups_come_in_order_with_what_is_absent_last() -> None:
    write(call("a", model="b"), call("b", model="a"), call("c", model=None))
    roll_up_due()
    rows = usage.chosen(period="day", since=NOON - DAY, until=NOON + DAY)
    assert [found.group for found in usage.summarize(rows, "model")] == [("a",), ("b",), (None,)]
