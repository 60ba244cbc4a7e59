"""The dashboard and the alerts speak of metrics and codes that exist."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from gateway_app.errors import STATUS
from gateway_app.exceptions import ProviderError, ProviderRefused
from gateway_app.metrics import instruments
from gateway_app.metrics.installation import Installation, InstallationCollector
from llmgateway.env import ROOT

OPS = ROOT / "ops"
ALERTS = OPS / "prometheus" / "alerts.yml"
DASHBOARD = OPS / "grafana" / "llmgateway.json"


def rules() -> list[dict[str, Any]]:
    [group] = yaml.safe_load(ALERTS.read_text())["groups"]
    return list(group["rules"])


def names_told() -> set[str]:
    """Every name that a query may use, and the families' own, which texts use."""
    found = Installation(redis_up=True, tracers={"langfuse:exported": 1, "langfuse:failures": 1})
    told = set()
    for family in [*instruments.REGISTRY.collect(), *InstallationCollector(found).collect()]:
        ends = {"counter": ("_total",), "histogram": ("_bucket", "_sum", "_count")}.get(family.type, ("",))
        told |= {family.name, *(family.name + end for end in ends)}
    return told


@pytest.mark.parametrize("file", [ALERTS, DASHBOARD], ids=["alerts", "dashboard"])
def test_every_metric_that_is_asked_for_is_told(file: Path) -> None:
    asked = set(re.findall(r"gateway_\w+", file.read_text()))
    assert len(asked) > 10
    assert asked <= names_told()


def test_every_alert_says_what_to_do() -> None:
    for rule in rules():
        assert rule["annotations"]["summary"], rule["alert"]
        assert rule["annotations"]["runbook"], rule["alert"]
        assert rule["labels"]["severity"] in ("page", "warn", "info")


def test_the_error_alert_leaves_out_what_callers_do_wrong_and_nothing_else() -> None:
    expression = next(rule["expr"] for rule in rules() if rule["alert"] == "GatewayErrors")
    match = re.search(r'code!~"([^"]+)"', expression)
    assert match
    for kind, status in STATUS.items():
        ours = issubclass(kind, ProviderError) and kind is not ProviderRefused
        callers = status < 500 and not ours
        assert bool(re.fullmatch(match[1], kind.code)) == callers, kind  # type: ignore[attr-defined]


def test_the_dashboards_panels_do_not_overlap() -> None:
    taken: set[tuple[int, int]] = set()
    for panel in json.loads(DASHBOARD.read_text())["panels"]:
        place = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert max(x for x, _ in cells) < 24
        assert not cells & taken, panel["title"]
        taken |= cells
