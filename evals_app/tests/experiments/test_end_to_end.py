"""The whole way, over real sockets: traffic, feedback, a verdict; and harm that a real task worker undoes."""

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest
import yaml

from evals_app.tests.experiments.conftest import PLAN, ROLLOUT
from llmgateway import parts
from llmgateway.env import ROOT
from llmgateway.stack import Stack
from prompts_app.tests.webhook_receiver import Receiver, receiving

GUARDRAILS = [{"measure": "errors", "margin": 0.05}, {"measure": "latency", "margin": 5}]
TEXTS = {"v1": "Say it: {{text}}", "v2": "Say it twice: {{text}} {{text}}"}


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as server:
        yield server


@pytest.fixture
def tasks(stack: Stack, tmp_path: Path) -> Iterator[None]:
    """The task worker with its clock, which may tell a webhook on this machine."""
    environment = stack.env | {"WEBHOOKS_ALLOW_PRIVATE": "1"}
    worker = parts.tasks(environment, schedule=tmp_path / "beat", log=tmp_path / "tasks.log")
    worker.start()
    yield
    worker.stop()


@pytest.fixture
def manage(stack: Stack) -> Callable[..., str]:
    def run(*words: str) -> str:
        command = [sys.executable, str(ROOT / "manage.py"), *words]
        done = subprocess.run(command, env=stack.env, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    return run


@pytest.fixture
def api(stack: Stack, manage: Callable[..., str]) -> Iterator[httpx.Client]:
    scopes = ("chat", "feedback", "prompts:read", "prompts:write")
    key = manage("create_key", "--project", "demo", "--name", "experimenter", "--scopes", *scopes).strip()
    headers = {"Authorization": f"Bearer {key}"}
    with httpx.Client(base_url=stack.url, headers=headers, timeout=30) as client:
        wait_for(lambda: client.get("/prompts").status_code == 200)
        yield client


def wait_for(condition: Callable[[], Any], *, within: float = 120) -> Any:
    deadline = time.monotonic() + within
    while time.monotonic() < deadline:
        if found := condition():
            return found
        time.sleep(0.3)
    raise AssertionError(f"it did not happen within {within} s")


def publish(files: Path, manage: Callable[..., str], name: str, texts: Mapping[str, str]) -> None:
    """A prompt in two versions, of which v1 is live."""
    (files / name).mkdir(parents=True)
    for version, user in texts.items():
        written = {"name": name, "version": version, "user": user}
        (files / name / f"{version}.yaml").write_text(yaml.safe_dump(written))
    manage("sync_prompts", str(files))


def start(files: Path, manage: Callable[..., str], plan: dict[str, Any]) -> None:
    path = files.parent / f"{plan['name']}.yaml"
    path.write_text(yaml.safe_dump(plan))
    manage("experiment", "plan", str(path))
    manage("experiment", "start", plan["name"], "--why", "a test")
    time.sleep(1)


def ask(api: httpx.Client, prompt: str, session: str) -> httpx.Response:
    # Each session asks something of its own, so that a vendor answers it once.
    body = {"variables": {"text": f"the word of {session}"}}
    return api.post(f"/prompts/{prompt}/chat", json=body, headers={"X-Session-ID": session})


def test_sessions_are_split_their_feedback_counts_and_the_better_version_wins(
    api: httpx.Client, manage: Callable[..., str], tmp_path: Path
) -> None:
    files = tmp_path / "prompts"
    publish(files, manage, "winner", TEXTS)
    start(files, manage, PLAN | {"name": "wins", "prompt": "winner", "mde": 0.3, "guardrails": GUARDRAILS})

    def use(number: int) -> str:
        reply = ask(api, "winner", f"session-{number}").json()
        given = {
            "request_id": reply["request_id"],
            "name": "helpful",
            "value": reply["prompt_version"] == "v2",
        }
        assert api.post("/feedback", json=given).status_code == 200
        assert ask(api, "winner", f"session-{number}").json()["prompt_version"] == reply["prompt_version"]
        return str(reply["prompt_version"])

    with ThreadPoolExecutor(8) as pool:
        versions = list(pool.map(use, range(260)))

    def report() -> dict[str, Any] | None:
        found: dict[str, Any] = json.loads(manage("experiment", "report", "wins", "--json"))
        return found if sum(arm["calls"] for arm in found["arms"]) == 520 else None

    found = wait_for(report)
    assert {arm["version"]: arm["units"] for arm in found["arms"]} == {
        version: versions.count(version) for version in ("v1", "v2")
    }
    assert found["comparisons"][0]["verdict"] == "better"
    manage("experiment", "ship", "wins", "v2", "--why", "it won")
    wait_for(lambda: ask(api, "winner", "somebody").json()["prompt_version"] == "v2", within=10)


def test_a_candidate_that_fails_is_taken_back_by_itself_and_the_webhook_is_told(
    stack: Stack,
    tasks: None,
    api: httpx.Client,
    manage: Callable[..., str],
    receiver: Receiver,
    tmp_path: Path,
) -> None:
    files = tmp_path / "prompts"
    # No caller sends what v2 wants to be filled with.
    publish(files, manage, "fragile", TEXTS | {"v2": "{{text}} in {{language}}"})
    with psycopg.connect(stack.database_url, autocommit=True) as connection:
        connection.execute(
            "INSERT INTO prompts_app_webhook (url, description, secret, active, created_at) "
            "VALUES (%s, '', 's', true, now())",
            [receiver.url],
        )
        start(
            files,
            manage,
            ROLLOUT
            | {"name": "breaks", "prompt": "fragile", "steps": [50, 100], "hold_units": 10_000}
            | {"guardrails": GUARDRAILS},
        )
        with ThreadPoolExecutor(8) as pool:
            replies = list(pool.map(lambda number: ask(api, "fragile", f"session-{number}"), range(120)))
        assert {reply.status_code for reply in replies} == {200, 422}

        def change() -> Any:
            query = (
                "SELECT c.actor, c.door, c.why FROM prompts_app_promptchange c "
                "JOIN prompts_app_prompt p ON p.id = c.prompt_id "
                "WHERE p.name = 'fragile' AND c.verb = 'activate_version' AND c.door = 'schedule'"
            )
            return connection.execute(query).fetchone()

        actor, _, why = wait_for(change)
        assert (actor, "The guardrail errors is broken" in why) == ("rollout breaks", True)
        told = wait_for(lambda: [one for one in map(_said, receiver.requests) if one["why"] == why])
        assert told[0]["event"] == "prompt.activate_version"
        wait_for(lambda: ask(api, "fragile", "session-1").status_code == 200, within=10)
        connection.execute("DELETE FROM prompts_app_webhookdelivery")
        connection.execute("DELETE FROM prompts_app_webhook")


def _said(request: tuple[Any, bytes]) -> dict[str, Any]:
    return dict(json.loads(request[1]))
