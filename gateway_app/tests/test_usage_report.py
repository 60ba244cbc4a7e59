"""Reports are bounded, and safe to open in a spreadsheet."""

from datetime import date

import pytest

from gateway_app import usage_report
from gateway_app.exceptions import InvalidRequest
from gateway_app.ledger_schemas import UsageReport
from gateway_app.models import Project, Rollup
from gateway_app.rollups import SUMS, roll_up
from gateway_app.tests.ledger_calls import NOON, call, write

pytestmark = pytest.mark.django_db


def report(*, project: int | None = None, **parameters: str) -> UsageReport:
    given = {name: [value] for name, value in parameters.items()}
    return usage_report.report(usage_report.read(given, today=NOON.date()), project=project)


def test_without_dates_it_is_the_last_thirty_days() -> None:
    asked = usage_report.read({}, today=date(2026, 11, 30))
    assert (asked.since, asked.until) == (date(2026, 11, 1), date(2026, 11, 30))


def test_a_project_sees_its_own_calls_alone() -> None:
    mine = Project.objects.create(name="mine")
    write(call("a", project_id=mine.pk), call("b", project_id=mine.pk + 1), call("c"))
    roll_up([NOON])
    assert report(project=mine.pk).total.calls == 1
    assert report(project=None).total.calls == 1


def test_a_name_is_no_formula_in_a_spreadsheet() -> None:
    write(call(key_id="k", key_name='=HYPERLINK("http://example.com")'))
    roll_up([NOON])
    lines = usage_report.as_csv(report(group="key")).splitlines()
    assert lines[0].startswith("key,key_name,calls,")
    assert lines[1].startswith("k,\"'=HYPERLINK(")


def day_of(model: str) -> Rollup:
    sums = dict.fromkeys(SUMS, 1)
    histograms = {name: [1] for name in ("latency_buckets", "latency_counts")}
    histograms |= {name: [] for name in ("first_token_buckets", "first_token_counts")}
    midnight = NOON.replace(hour=0)
    return Rollup(period="day", start=midnight, surface="chat", model=model, **sums, **histograms)


def test_a_report_of_too_many_rows_is_refused() -> None:
    Rollup.objects.bulk_create(day_of(f"model-{number}") for number in range(usage_report.ROWS + 1))
    assert len(report(group="day").rows) == 1
    with pytest.raises(InvalidRequest, match="fewer groups or days"):
        report(group="model")
