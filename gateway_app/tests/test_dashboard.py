"""The front page: what was spent and how it went, in five seconds."""

import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from xml.etree import ElementTree

import pytest
from django.contrib.auth.models import User
from django.test import Client

from gateway_app import charts
from gateway_app.charts import Series
from gateway_app.dashboard import SPANS, Dashboard, dashboard
from gateway_app.figures import dollars, milliseconds, percent, plain, short
from gateway_app.rollups import roll_up_due
from gateway_app.tests.ledger_calls import call, write

NOW = (datetime.now(UTC) - timedelta(hours=1)).replace(minute=30)
"""Within the page's last 24 hours, whatever the time of day."""


def seen(view: str = "day", now: datetime = NOW) -> Dashboard:
    return dashboard(SPANS[view], now=now)


def tile(found: Dashboard, label: str) -> Any:
    return next(one for one in found.tiles if one.label == label)


@pytest.mark.django_db
class TestDashboard:
    def fill(self) -> None:
        write(
            call("a", created_at=NOW, cost_usd=Decimal("1.5"), prompt_name="summarizer"),
            call("b", created_at=NOW, cache="HIT", cost_usd=Decimal(0), saved_usd=Decimal(2)),
            call("c", created_at=NOW, outcome="error", cost_usd=None, prompt_name="<b>"),
            call("d", created_at=NOW, cost_usd=None, model="new"),
            call("e", created_at=NOW - timedelta(days=2), cost_usd=Decimal("0.5")),
        )
        roll_up_due()

    def test_the_figures_are_the_calls_own(self) -> None:
        self.fill()
        found = seen()
        assert tile(found, "Spend").value == "≥ $2.00"
        assert tile(found, "Spend").note == "1 call of unknown cost"
        assert (tile(found, "Calls").value, tile(found, "Errors").value) == ("5", "20.0 %")
        assert (tile(found, "Cache hits").value, tile(found, "Cache hits").note) == ("20.0 %", "$2.00 saved")
        assert tile(found, "Latency").value == "514 ms"  # 500 ms, to within 5 %

    @pytest.mark.parametrize(("view", "calls"), [("hour", "4"), ("day", "5"), ("month", "5")])
    def test_each_view_has_its_own_time(self, view: str, calls: str) -> None:
        self.fill()
        assert tile(seen(view), "Calls").value == calls

    def test_a_change_is_against_the_same_time_before(self) -> None:
        write(*(call(f"now{n}", created_at=NOW) for n in range(3)))
        write(*(call(f"then{n}", created_at=NOW - timedelta(hours=24)) for n in range(2)))
        roll_up_due()
        assert tile(seen("hour"), "Calls").change == "+50 %"

    def test_top_lists_lead_with_what_costs_most_and_lead_to_its_calls(self) -> None:
        self.fill()
        prompts, models, _ = seen().tops
        assert [row.name for row in prompts.rows] == ["summarizer", "no prompt", "<b>"]
        assert prompts.rows[0].url.endswith("/call/?prompt_name=summarizer&since=month")
        assert (models.rows[1].name, models.rows[1].cost) == ("new", "unknown")

    def test_before_the_first_call_the_page_says_how_to_make_one(self, client: Client) -> None:
        client.force_login(User.objects.create_superuser("grace"))
        page = client.get("/admin/").content.decode()
        assert "No calls yet" in page
        assert "<svg class" not in page

    @pytest.mark.parametrize("view", SPANS)
    def test_the_page_shows_figures_charts_and_lists_and_escapes_names(
        self, view: str, client: Client
    ) -> None:
        self.fill()
        client.force_login(User.objects.create_superuser("grace"))
        page = client.get(f"/admin/?by={view}").content.decode()
        assert page.count('<svg class="drawing"') == 3
        assert "&lt;b&gt;" in page
        assert "<b>" not in page

    def test_who_may_not_see_calls_sees_none_of_it(self, client: Client) -> None:
        self.fill()
        client.force_login(User.objects.create_user("ada", is_staff=True))
        assert "ledger-dashboard" not in client.get("/admin/").content.decode()


SERIES = (Series("one", [1, 2, None], "a"), Series("<two>", [3, 0, None], "b"))


@pytest.mark.parametrize("draw", [charts.bars, charts.lines])
@pytest.mark.parametrize("labels", [["x", "<y>", "z"], []])
def test_a_chart_is_well_formed_whatever_it_shows(draw: Any, labels: list[str]) -> None:
    drawn = draw(
        labels, [Series(one.name, one.values[: len(labels)], one.style) for one in SERIES], tell=short
    )
    assert ElementTree.fromstring(drawn).tag == "svg"  # noqa: S314 - our own


def test_bars_stand_on_each_other_and_fill_the_height_in_proportion() -> None:
    drawn = charts.bars(["x"], [Series("one", [1], "a"), Series("two", [3], "b")], tell=short)
    heights = {
        style: float(height) for style, height in re.findall(r'class="(\w)".*?height="([\d.]+)"', drawn)
    }
    assert heights["b"] == pytest.approx(3 * heights["a"], rel=0.01)


def test_a_line_is_broken_where_nothing_was_measured() -> None:
    drawn = charts.lines(list("abcde"), [Series("one", [1, 2, None, 3, 4], "a")], tell=short)
    assert drawn.count("<polyline") == 2


@pytest.mark.parametrize(
    ("highest", "top", "steps"),
    [(0, 1, 1), (1, 1, 5), (7, 8, 5), (10, 10, 5), (0.031, 0.04, 5), (99, 100, 5)],
)
def test_an_axis_ends_at_a_round_number(highest: float, top: float, steps: int) -> None:
    found, marks = charts.scale(highest)
    assert found == pytest.approx(top)
    assert found >= highest
    assert len(marks) <= steps


@pytest.mark.parametrize(
    ("value", "told"),
    [
        (dollars(Decimal(0)), "$0.00"),
        (dollars(Decimal("1234.5")), "$1,234.50"),
        (dollars(Decimal("0.042")), "$0.042"),
        (dollars(Decimal("0.0000031")), "$0.0000031"),
        (dollars(None), "—"),
        (milliseconds(0.416), "0.42 ms"),
        (milliseconds(41.6), "42 ms"),
        (milliseconds(4161), "4.16 s"),
        (milliseconds(41610), "41.6 s"),
        (milliseconds(None), "—"),
        (percent(0.123), "12.3 %"),
        (short(950), "950"),
        (short(1200), "1.2k"),
        (short(3_000_000), "3M"),
        (plain(Decimal("0.3000")), "0.3"),
        (plain(Decimal("100")), "100"),
        (plain(Decimal(0)), "0"),
    ],
)
def test_figures_read_as_people_read_them(value: str, told: str) -> None:
    assert value == told
