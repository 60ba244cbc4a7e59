"""What a prompt's page says of its versions is what users' calls add up to."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from gateway_app.models import Feedback
from gateway_app.records import CallRecord
from gateway_app.rollups import roll_up_due
from gateway_app.tests.ledger_calls import call, write
from gateway_app.version_figures import version_figures
from prompts_app.figures import VersionFigures

pytestmark = pytest.mark.django_db


def said(request_id: str, version: str = "v1", *, days_ago: float = 0, **known: Any) -> CallRecord:
    at = timezone.now() - timedelta(days=days_ago)
    known = {"prompt_name": "greeter"} | known
    return call(request_id, created_at=at, prompt_version=version, **known)


def figures() -> tuple[dict[str, VersionFigures], dict[str, VersionFigures]]:
    """Of the day and of the week, by version."""
    roll_up_due()
    periods = version_figures("greeter")
    assert periods is not None
    assert [period.title for period in periods] == ["last 24 hours", "last 7 days"]
    day, week = ({row.version: row for row in period.rows} for period in periods)
    return day, week


def test_each_version_has_its_calls_latency_cost_and_errors() -> None:
    write(
        said("a", latency=0.1),
        said("b", latency=0.1),
        said("c", latency=2.0, outcome="error", error_code="provider_timeout", cost_usd=Decimal(0)),
        said("d", "v2", cost_usd=Decimal(2)),
    )
    day, week = figures()
    assert day == week
    assert (day["v1"].calls, day["v1"].cost, day["v1"].errors) == ("3", "$0.00020", "33.3 %")
    assert 95 <= float(day["v1"].p50.removesuffix(" ms")) <= 105
    assert 1.9 <= float(day["v1"].p95.removesuffix(" s")) <= 2.1
    assert (day["v2"].calls, day["v2"].cost) == ("1", "$2.00")


def test_the_week_reaches_further_back_than_the_day() -> None:
    write(said("new"), said("older", days_ago=3), said("gone", days_ago=9))
    day, week = figures()
    assert (day["v1"].calls, week["v1"].calls) == ("1", "2")


def test_trials_and_other_prompts_do_not_count() -> None:
    write(
        said("a"), said("b", surface="playground"), said("c", surface="eval"), said("d", prompt_name="other")
    )
    day, _ = figures()
    assert day["v1"].calls == "1"


def test_a_score_is_the_mean_of_its_name_and_says_how_many_gave_it() -> None:
    write(said("a"), said("b"), said("c", "v2"))
    for request_id, number in (("a", 1), ("b", 0), ("c", 1)):
        Feedback.objects.create(request_id=request_id, name="helpful", kind="thumbs", number=number)
    Feedback.objects.create(request_id="a", name="stars", kind="number", number=4)
    Feedback.objects.create(request_id="a", name="remark", kind="text", text="fine")
    day, _ = figures()
    assert day["v1"].score == "helpful 0.50 (2), stars 4.00 (1)"
    assert day["v2"].score == "helpful 1.00 (1)"


def test_numbers_beyond_all_measure_do_not_hide_the_figures() -> None:
    write(said("a"), said("b"), said("c"), said("d"))
    for request_id, number in (("a", 1.7e308), ("b", 1.7e308), ("c", float("nan")), ("d", 4)):
        Feedback.objects.create(request_id=request_id, name="stars", kind="number", number=number)
    assert figures()[0]["v1"].score == "stars 4.00 (1)"


def test_without_feedback_there_is_no_score() -> None:
    write(said("a"))
    assert figures()[0]["v1"].score == "—"


def test_a_database_that_cannot_answer_costs_the_figures_and_not_the_page() -> None:
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE gateway_app_rollup RENAME TO gone")
    assert version_figures("greeter") is None
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
