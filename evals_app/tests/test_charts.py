from xml.etree import ElementTree as Xml

import pytest

from evals_app.charts import Bar, histogram, interval_chart


def bar(**known):
    usual = {"label": "score", "value": 0.1, "low": -0.1, "high": 0.3, "says": "+0.10", "tone": "open"}
    return Bar(**usual | known)


def drawn(svg):
    return Xml.fromstring(svg)  # noqa: S314


def test_each_estimate_has_its_interval_and_its_words():
    chart = drawn(interval_chart([bar(), bar(label="cost", tone="bad")], title="differences"))
    assert len(chart.findall("circle")) == 2
    assert {"score", "cost", "+0.10"} <= {text.text for text in chart.findall("text")}


def test_what_is_above_zero_stands_right_of_the_line():
    chart = drawn(interval_chart([bar()], title="differences"))
    zero = float(chart.find("line[@class='chart-zero']").get("x1"))
    assert float(chart.find("circle").get("cx")) > zero
    assert float(chart.find("line[@class='chart-interval chart-open']").get("x1")) < zero


def test_names_cannot_break_out_of_the_picture():
    chart = drawn(interval_chart([bar(label="<script>")], title='a "quoted" title'))
    assert chart.get("aria-label") == 'a "quoted" title'
    assert not chart.findall(".//script")


@pytest.mark.parametrize("bars", [[], [bar(value=0.0, low=0.0, high=0.0)]])
def test_nothing_to_show_is_a_picture_too(bars):
    drawn(interval_chart(bars, title="differences"))


def test_a_histogram_counts_every_value_once():
    chart = drawn(histogram([("v1", [0.0, 0.55, 1.0, 1.0])], title="scores"))
    counts = [text.text for text in chart.findall("text[@class='chart-tick chart-middle']")]
    assert counts == ["1", "1", "2"]
