"""A key that may use certain prompts learns nothing of the others, by whatever way it asks."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

import httpx
import pytest

from llmgateway.env import ROOT
from llmgateway.stack import Stack

TEXT = "The word is swordfish."
SCOPES = ("chat", "prompts:read", "prompts:write")
FORBIDDEN = (403, "forbidden", "this key may not use the prompt secret")


class Keys(NamedTuple):
    """Two clients: `all` may use every prompt, `some` only `mine`, `shared` and gemini-2.5-flash."""

    all: httpx.Client
    some: httpx.Client


@pytest.fixture(scope="module")
def keys(stack: Stack) -> Iterator[Keys]:
    only = ["--allowed-prompts", "mine", "shared", "--allowed-models", "gemini-2.5-flash"]
    with ExitStack() as opened:
        made = Keys(*(opened.enter_context(client(stack, *limits)) for limits in ([], only)))
        time.sleep(1.5)  # by then every worker knows them; below, the prompts
        made.all.post("/prompts", json={"name": "mine"})
        publish(made.all, "secret", TEXT)
        publish(made.all, "shared", "In a circle: {{> secret}}")
        time.sleep(1.5)
        yield made


def client(stack: Stack, *limits: str) -> httpx.Client:
    command = [sys.executable, "manage.py", "create_key", "--name", "one", "--scopes", *SCOPES, *limits]
    key = subprocess.run(
        command, env={**os.environ, **stack.env}, cwd=ROOT, capture_output=True, check=True, text=True
    ).stdout.strip()
    return httpx.Client(base_url=stack.url, headers={"Authorization": f"Bearer {key}"}, timeout=20)


def publish(client: httpx.Client, name: str, text: str) -> None:
    client.post("/prompts", json={"name": name})
    assert client.post(f"/prompts/{name}/versions", json={"version": "v1", "user": text}).status_code == 201
    for verb in ("publish", "activate"):
        assert client.post(f"/prompts/{name}/versions/v1/{verb}").status_code == 200


def draft(client: httpx.Client, version: str, text: str) -> httpx.Response:
    return client.post("/prompts/mine/versions", json={"version": version, "user": text})


def refusal(answer: httpx.Response) -> tuple[int, str, str]:
    error: dict[str, Any] = answer.json()["error"]
    return answer.status_code, error["code"], error["message"]


def test_a_draft_may_include_only_what_its_key_may_see(keys: Keys) -> None:
    assert refusal(keys.some.get("/prompts/secret/versions/v1")) == FORBIDDEN
    assert refusal(draft(keys.some, "direct", "{{> secret}}")) == FORBIDDEN
    assert refusal(draft(keys.some, "through", "{{> shared}}")) == FORBIDDEN
    assert keys.some.get("/prompts/mine/versions/direct").status_code == 404


def test_that_a_prompt_is_not_there_is_not_told_either(keys: Keys) -> None:
    answer = draft(keys.some, "guess", "{{> ghost}}")
    assert refusal(answer) == (403, "forbidden", "this key may not use the prompt ghost")


def test_another_s_draft_that_includes_more_is_not_published(keys: Keys) -> None:
    assert draft(keys.all, "theirs", "Hear: {{> secret}}").status_code == 201
    assert refusal(keys.some.post("/prompts/mine/versions/theirs/publish")) == FORBIDDEN
    later = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    plan = {"action": "publish", "version": "theirs", "at": later}
    assert refusal(keys.some.post("/prompts/mine/schedule", json=plan)) == FORBIDDEN


def test_files_are_not_brought_in_by_such_a_key(keys: Keys) -> None:
    file = "name: mine\nversion: filed\nuser: '{{> secret}}'\n"
    kind = {"Content-Type": "application/yaml"}
    assert keys.some.post("/prompts/-/files", content=file, headers=kind).status_code == 403


def test_a_published_version_that_includes_more_runs(keys: Keys) -> None:
    answer = keys.some.post("/prompts/shared/render", json={})
    assert answer.status_code == 200, answer.text
    assert answer.json()["messages"] == [{"role": "user", "content": f"In a circle: {TEXT}"}]


def test_a_prompt_or_model_of_others_is_to_it_as_one_that_is_not_there(keys: Keys) -> None:
    assert keys.all.get("/v1/models/prompt:secret").status_code == 200
    for hidden, unknown in (("prompt:secret", "prompt:ghosts"), ("gemini-2.5-pro", "nobodys-model-")):
        found, absent = (keys.some.get(f"/v1/models/{name}") for name in (hidden, unknown))
        assert (found.status_code, absent.status_code) == (404, 404)
        assert refusal(found)[1] == refusal(absent)[1] == "model_not_found"
    for own in ("prompt:shared", "gemini-2.5-flash"):
        assert keys.some.get(f"/v1/models/{own}").status_code == 200
