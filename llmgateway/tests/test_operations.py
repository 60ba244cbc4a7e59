"""What `ops/` tells operators is about this gateway, and its manifests are ones that Kubernetes takes."""

import re
import subprocess
import sys
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import yaml

from llmgateway import env
from llmgateway.env import ROOT
from llmgateway.serve import GRACEFUL_SECONDS

OPS = ROOT / "ops"
MANIFESTS = sorted(path for path in (OPS / "kubernetes").glob("*.yaml") if path.stem != "kustomization")


def resources() -> list[dict[str, Any]]:
    return [found for path in MANIFESTS for found in yaml.safe_load_all(path.read_text())]


def pods() -> dict[str, dict[str, Any]]:
    """Name of what starts them -> the pod's spec."""
    return {
        found["metadata"]["name"]: found["spec"]["template"]["spec"]
        for found in resources()
        if found["kind"] in ("Deployment", "Job")
    }


@pytest.mark.parametrize("path", MANIFESTS, ids=lambda path: path.stem)
def test_a_manifest_fits_kubernetes_own_schema(path: Path) -> None:
    command = [str(Path(sys.executable).parent / "kubernetes-validate"), "--strict", str(path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr


def test_everything_is_applied_but_the_example_of_a_secret() -> None:
    named = yaml.safe_load((OPS / "kubernetes" / "kustomization.yaml").read_text())["resources"]
    assert {path.name for path in MANIFESTS} - set(named) == {"secret.example.yaml"}


def test_every_pod_is_locked_down() -> None:
    for name, pod in pods().items():
        assert pod["securityContext"]["runAsNonRoot"], name
        assert not pod["automountServiceAccountToken"], name
        for container in pod["containers"]:
            locked = container["securityContext"]
            assert locked["readOnlyRootFilesystem"], name
            assert not locked["allowPrivilegeEscalation"], name
            assert locked["capabilities"] == {"drop": ["ALL"]}, name
            assert container["resources"]["limits"]["memory"], name


def test_a_gateway_is_forgotten_before_it_is_stopped_and_has_time_to_finish() -> None:
    [container] = pods()["gateway"]["containers"]
    pause = int(container["lifecycle"]["preStop"]["exec"]["command"][-1])
    assert pods()["gateway"]["terminationGracePeriodSeconds"] >= pause + GRACEFUL_SECONDS + 10


def test_life_asks_nobody_and_readiness_asks_everybody() -> None:
    [container] = pods()["gateway"]["containers"]
    assert container["livenessProbe"]["httpGet"]["path"] == "/health"
    assert container["readinessProbe"]["httpGet"]["path"] == "/health/ready"


def test_what_bootstrap_needs_comes_before_it_and_the_rest_after() -> None:
    """As Argo CD reads it: by waves, and no hook, which would come before its own ConfigMap."""
    waves: dict[int, set[str]] = {}
    for found in (one for one in resources() if one["kind"] != "Secret"):
        notes = found["metadata"].get("annotations", {})
        assert not [name for name in notes if "hook" in name], found["metadata"]["name"]
        waves.setdefault(int(notes.get("argocd.argoproj.io/sync-wave", 0)), set()).add(found["kind"])
    assert waves[-2] == {"Namespace", "ServiceAccount", "ConfigMap"}
    assert waves[-1] == {"Job"}
    assert "Deployment" in waves[0]
    assert set(waves) == {-2, -1, 0}


def test_the_steps_of_a_release_choose_bootstrap_alone() -> None:
    [label] = re.findall(r"-l (\S+)=bootstrap", (OPS / "migrations.md").read_text())
    chosen = [
        one["kind"] for one in resources() if one["metadata"].get("labels", {}).get(label) == "bootstrap"
    ]
    assert chosen == ["Job"]


def test_there_is_one_clock() -> None:
    [beat] = [found for found in resources() if found["metadata"]["name"] == "beat"]
    assert (beat["spec"]["replicas"], beat["spec"]["strategy"]["type"]) == (1, "Recreate")


def test_all_gateways_together_leave_some_of_postgres_hundred_connections() -> None:
    [config] = [one["data"] for one in resources() if one["kind"] == "ConfigMap"]
    [most] = [one["spec"]["maxReplicas"] for one in resources() if one["kind"] == "HorizontalPodAutoscaler"]
    surge = pods_at_once("gateway")
    taken = (most + surge) * int(config["WEB_WORKERS"]) * int(config["DATABASE_POOL_SIZE"])
    assert taken <= 100 - 10


def pods_at_once(name: str) -> int:
    """How many more there are while a release goes out."""
    [found] = [one for one in resources() if one["kind"] == "Deployment" and one["metadata"]["name"] == name]
    return int(found["spec"]["strategy"]["rollingUpdate"]["maxSurge"])


def test_the_variables_set_are_ones_that_are_read() -> None:
    given = [found for found in resources() if found["kind"] in ("ConfigMap", "Secret")]
    for found in given:
        assert set(found.get("data", found.get("stringData"))) <= set(env.names()), found["kind"]


def test_the_database_whose_certificate_is_checked_has_an_authority_that_the_image_holds() -> None:
    """libpq would look for one in the user's home, which the image does not have."""
    [secret] = [found for found in resources() if found["kind"] == "Secret"]
    asked = parse_qs(urlsplit(secret["stringData"]["DATABASE_URL"]).query)
    assert asked == {"sslmode": ["verify-full"], "sslrootcert": ["/etc/ssl/certs/ca-certificates.crt"]}


def test_every_alert_has_its_runbook() -> None:
    [group] = yaml.safe_load((OPS / "prometheus" / "alerts.yml").read_text())["groups"]
    sections = re.findall(r"^## (\w+)$", (OPS / "runbooks.md").read_text(), re.MULTILINE)
    named = {rule["alert"]: rule["annotations"]["runbook_url"] for rule in group["rules"]}
    assert list(named) == sections
    assert named == {alert: f"ops/runbooks.md#{alert.lower()}" for alert in sections}


@pytest.mark.parametrize("page", sorted(OPS.glob("*.md")), ids=lambda page: page.stem)
def test_links_and_commands_of_a_page_exist(page: Path) -> None:
    text = page.read_text()
    for target in re.findall(r"\]\((?!https?:)([^)#]+)", text):
        assert (OPS / target).exists(), target
    for command in re.findall(r"manage\.py (\w+)", text):
        assert command == "migrate" or list(ROOT.glob(f"*/management/commands/{command}.py")), command
