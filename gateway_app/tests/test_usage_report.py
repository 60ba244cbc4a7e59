"""Reports are bounded, and safe to open in a spreadsheet."""

import random
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

import pytest

from gateway_app import usage_report
from gateway_app.exceptions import InvalidRequest
from gateway_app.ledger_schemas import UsageReport, UsageRow
from gateway_app.models import Call, Project, Rollup
from gateway_app.rollup_sql import SUMS
from gateway_app.rollups import roll_up
from gateway_app.tests.ledger_calls import NOON, call, write

pytestmark = pytest.mark.django_db


def report(*, project: int | None = None, **parameters: str) -> UsageReport:
    given = {name: [value] for name, value in parameters.items()}
    return usage_report.report(usage_report.read(given, today=NOON.date()), project=project)


def test_without_dates_it_is_the_last_thirty_days() -> None:
    asked = usage_report.read({}, today=date(2026, 11, 30))
    assert (asked.since, asked.until) == (date(2026, 11, 1), date(2026, 11, 30))


def test_a_name_that_postgres_cannot_look_for_is_refused() -> None:
    with pytest.raises(InvalidRequest, match="NUL") as refused:
        report(prompt="a\0b")
    assert refused.value.param == "prompt"


def test_a_project_sees_its_own_calls_alone() -> None:
    mine = Project.objects.create(name="mine")
    write(call("a", project_id=mine.pk), call("b", project_id=mine.pk + 1), call("c"))
    roll_up([NOON])
    assert report(project=mine.pk).total.calls == 1
    assert report(project=None).total.calls == 1


def test_who_has_no_key_sees_neither_trials_nor_evaluations() -> None:
    write(call("a"), call("b", surface="playground", key_name="ada"), call("c", surface="eval"))
    roll_up([NOON])
    assert [(row.surface, row.calls) for row in report(group="surface").rows] == [("chat", 1)]
    assert [Call.named(name, project=None).count() for name in "abc"] == [1, 0, 0]


def test_a_name_is_no_formula_in_a_spreadsheet() -> None:
    write(call(key_id="k", key_name='=HYPERLINK("http://example.com")'))
    roll_up([NOON])
    lines = usage_report.as_csv(report(group="key")).splitlines()
    assert lines[0].startswith("key,key_name,calls,")
    assert lines[1].startswith("k,\"'=HYPERLINK(")


def day_of(model: str) -> Rollup:
    sums = dict.fromkeys(SUMS, 1)
    midnight = NOON.replace(hour=0)
    return Rollup(period="day", start=midnight, surface="chat", model=model, **sums)


def test_a_report_of_too_many_rows_is_refused() -> None:
    Rollup.objects.bulk_create(day_of(f"model-{number}") for number in range(usage_report.ROWS + 1))
    assert len(report(group="day").rows) == 1
    with pytest.raises(InvalidRequest, match="fewer groups or days"):
        report(group="model")


class TestWindows:
    """Whatever days are asked for, a report says what the calls of those days say."""

    @pytest.fixture(autouse=True)
    def calls_of_many_months(self) -> None:
        dice = random.Random(5)  # noqa: S311 - dice, not secrets
        written = [
            call(
                f"r-{number}",
                created_at=NOON - timedelta(days=dice.random() * 400),
                model=dice.choice(("quick", "slow")),
                surface=dice.choice(("chat", "v1")),
                cache=dice.choice(("HIT", "MISS")),
                cost_usd=dice.choice((None, Decimal("0.25"), Decimal("0.0000000001"))),
                latency=dice.lognormvariate(-1, 1),
            )
            for number in range(600)
        ]
        write(*written)
        roll_up(sorted({one.created_at.replace(minute=0, second=0, microsecond=0) for one in written}))

    @pytest.mark.parametrize(
        ("since", "until"),
        [
            ("2025-10-01", "2026-11-30"),
            ("2025-11-17", "2026-11-20"),
            ("2026-01-01", "2026-01-31"),
            ("2026-01-31", "2026-03-01"),
            ("2026-02-01", "2026-02-28"),
            ("2026-03-05", "2026-03-25"),
            ("2026-06-15", "2026-06-15"),
            ("2026-06-30", "2026-07-01"),
        ],
    )
    def test_it_is_the_sum_of_the_calls(self, since: str, until: str) -> None:
        for group in ("", "day", "month", "model", "month,surface", "day,model"):
            for filters in ({}, {"model": "slow"}):
                found = report(group=group, **{"from": since, "to": until}, **filters)
                names = [name for name in group.split(",") if name]
                members = grouped(names, since=since, until=until, **filters)
                rows = {tuple(getattr(row, name) for name in names): row for row in found.rows}
                assert {which: sums(row) for which, row in rows.items()} == {
                    which: sums_of(calls) for which, calls in members.items()
                }
                assert sums(found.total) == sums_of([one for calls in members.values() for one in calls])
                for which, row in rows.items():
                    assert row.latency_ms.p50 == percentile(members[which], 50)
                    assert row.latency_ms.p95 == percentile(members[which], 95)


def grouped(names: list[str], *, since: str, until: str, **equal: str) -> dict[tuple[str, ...], list[Call]]:
    found: dict[tuple[str, ...], list[Call]] = {} if names else {(): []}
    end = midnight(until) + timedelta(days=1)
    for one in Call.objects.filter(created_at__gte=midnight(since), created_at__lt=end, **equal):
        found.setdefault(tuple(value_of(one, name) for name in names), []).append(one)
    return found


def percentile(calls: list[Call], share: int) -> Any:
    """By nearest rank, to within the histogram's 5 %; None of no calls."""
    durations = sorted(one.latency_ms for one in calls)
    return pytest.approx(durations[-(-len(calls) * share // 100) - 1], rel=0.05) if calls else None


def midnight(day: str) -> datetime:
    return datetime.combine(date.fromisoformat(day), time(), tzinfo=UTC)


def value_of(one: Call, name: str) -> str:
    formats = {"day": "%Y-%m-%d", "month": "%Y-%m"}
    return one.created_at.strftime(formats[name]) if name in formats else str(getattr(one, name))


def sums(row: UsageRow) -> tuple[float | None, ...]:
    return (row.calls, row.cache_hits, row.input_tokens, row.unpriced_calls, row.cost_usd)


def sums_of(calls: list[Call]) -> tuple[float | None, ...]:
    known = [one.cost_usd for one in calls if one.cost_usd is not None]
    hits = sum(one.cache == "HIT" for one in calls)
    unpriced = len(calls) - len(known)
    cost = float(sum(known)) if known or not unpriced else None
    return (len(calls), hits, sum(one.input_tokens for one in calls), unpriced, cost)
