"""Keys are made, limited and revoked, and every worker knows within a second."""

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from decimal import Decimal

import httpx
import psycopg
import pytest
import redis
from django.utils import timezone

from gateway_app.access import create_key, revoke_key, set_limits
from gateway_app.key_snapshot import access_revision, load_keys
from gateway_app.limits import spent_names
from gateway_app.models import AccessRevision, ApiKey
from gateway_app.sockets import UNAUTHENTICATED
from gateway_app.testing.process import SimulatorControl
from gateway_app.tests.clients import open_socket, until_stats
from llmgateway.env import ROOT
from llmgateway.stack import Stack


@pytest.mark.django_db(transaction=True)
class TestKeys:
    @pytest.fixture(autouse=True)
    def _counted(self) -> None:
        """Other tests empty every table; this row is the migration's."""
        AccessRevision.objects.get_or_create(pk=1)

    def test_a_key_is_kept_as_a_hash_and_never_in_clear(self) -> None:
        text = create_key(project="p", name="n")
        row = ApiKey.objects.get(pk=text.id)
        assert text.secret not in str(vars(row))
        assert len(row.secret_hash) == 64

    def test_a_new_budget_counts_what_was_spent_before_it(self) -> None:
        key = ApiKey.objects.get(pk=create_key(project="p", name="n", daily_budget_usd=Decimal(1)).id)
        today, month = spent_names(key.pk, timezone.now().date())
        with redis.Redis.from_url(os.environ["REDIS_URL"]) as client:
            client.mset({today: 5, month: 50})
            set_limits(key, daily_budget_usd=Decimal(2))
            assert client.mget(today, month) == [b"5", b"50"], "every call was counted"
            set_limits(key, daily_budget_usd=None)
            assert client.exists(today, month) == 2
            set_limits(key, monthly_budget_usd=Decimal(3))
            assert client.exists(today, month) == 0, "the ledger is asked"

    def test_every_change_is_seen_by_those_who_poll(self) -> None:
        seen = [access_revision()]
        text = create_key(project="p", name="n")
        seen.append(access_revision())
        set_limits(ApiKey.objects.get(pk=text.id), requests_per_minute=5)
        seen.append(access_revision())
        revoke_key(ApiKey.objects.get(pk=text.id))
        seen.append(access_revision())
        assert seen == sorted(set(seen))

    def test_a_workers_snapshot_has_limits_and_no_revoked_key(self) -> None:
        text = create_key(
            project="p",
            name="n",
            requests_per_minute=5,
            daily_budget_usd=Decimal("1.50"),
            allowed_models=["m"],
        )
        caller = load_keys()[text.id].caller
        assert caller.limits.requests_per_minute == 5
        assert caller.limits.daily_budget == 1_500_000_000
        assert caller.limits.monthly_budget is None
        assert caller.may_use("m")
        assert not caller.may_use("other")
        revoke_key(ApiKey.objects.get(pk=text.id))
        assert text.id not in load_keys()

    @pytest.mark.parametrize(
        "wrong",
        [
            {"requests_per_minute": 0},
            {"concurrent_requests": -1},
            {"daily_budget_usd": Decimal("-1")},
            {"daily_budget_usd": Decimal("0.001")},
        ],
    )
    def test_a_limit_that_makes_no_sense_is_refused(self, wrong: dict[str, int]) -> None:
        with pytest.raises(ValueError, match=next(iter(wrong))):
            create_key(project="p", name="n", **wrong)  # type: ignore[arg-type]

    def test_an_unknown_scope_is_refused(self) -> None:
        with pytest.raises(ValueError, match="fly"):
            create_key(project="p", name="n", scopes=["fly"])


def manage(stack: Stack, *arguments: str) -> str:
    command = [sys.executable, ROOT / "manage.py", *arguments]
    return subprocess.run(command, env=stack.env, capture_output=True, text=True, check=True).stdout.strip()


@pytest.fixture
def anybody(stack: Stack) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=stack.url, timeout=20) as client:
        yield client


def ask(client: httpx.Client, key: str, path: str = "/chat", **body: object) -> httpx.Response:
    time.sleep(0.01)
    return client.post(path, json=body or {"prompt": "Hello."}, headers={"Authorization": f"Bearer {key}"})


def test_a_key_works_within_a_second_and_stops_within_a_second(stack: Stack, anybody: httpx.Client) -> None:
    key = manage(stack, "create_key", "--project", "limits", "--name", "short-lived")
    time.sleep(1)
    assert {ask(anybody, key).status_code for _ in range(8)} == {200}
    manage(stack, "revoke_key", key.split("_")[1])
    time.sleep(1)
    assert {ask(anybody, key).status_code for _ in range(8)} == {401}


def ended(stack: Stack, key: str, how: str) -> None:
    """As somebody does it, or as time does."""
    if how == "revoked":
        manage(stack, "revoke_key", key)
        return
    with psycopg.connect(stack.database_url) as connection:
        soon = "UPDATE gateway_app_apikey SET expires_at = now() + interval '1 second' WHERE id = %s"
        connection.execute(soon, (key,))


@pytest.mark.parametrize("end", ["revoked", "expired"])
async def test_a_key_that_ends_ends_a_long_chat_and_its_socket_within_a_second_or_so(
    stack: Stack, end: str
) -> None:
    vendor = SimulatorControl(stack.simulator_url)
    name = ["create_key", "--project", "limits", "--name", f"socket {end}"]
    key = await asyncio.to_thread(manage, stack, *name, "--expires-at", "2999-12-31T12:00Z")
    await asyncio.sleep(1)
    async with open_socket(stack, additional_headers={"Authorization": f"Bearer {key}"}) as socket:
        await socket.send(type="chat", id="a", prompt=f"Tell me of the sea, {end}. [[fault:stall after=2]]")
        while (await socket.receive())["type"] != "delta":
            pass
        cancelled = (await asyncio.to_thread(vendor.stats)).calls_cancelled
        await asyncio.to_thread(ended, stack, key.split("_")[1], end)
        async with asyncio.timeout(3):
            while (frame := await socket.receive())["type"] == "delta":
                pass
            assert (frame["type"], frame["id"], frame["code"]) == ("error", None, "invalid_api_key")
            await socket.connection.wait_closed()
        assert socket.connection.close_code == UNAUTHENTICATED
        await until_stats(vendor, lambda stats: stats.calls_cancelled == cancelled + 1, within=1)


def test_a_limit_says_how_much_is_left_and_when_there_is_more(stack: Stack, anybody: httpx.Client) -> None:
    key = manage(stack, "create_key", "--project", "limits", "--name", "rpm", "--requests-per-minute", "3")
    time.sleep(1)
    answers = [ask(anybody, key, prompt=f"Number {number}.") for number in range(4)]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
    assert [answer.headers["x-ratelimit-remaining-requests"] for answer in answers] == ["2", "1", "0", "0"]
    refused = answers[-1]
    assert refused.json()["error"]["code"] == "rate_limit_exceeded"
    assert 50 < int(refused.headers["Retry-After"]) <= 60
    streamed = ask(anybody, key, "/chat/stream", prompt="Number 0.")
    assert streamed.status_code == 429


def test_a_budget_that_is_spent_is_a_402_and_a_429_for_openais_clients(
    stack: Stack, anybody: httpx.Client
) -> None:
    key = manage(stack, "create_key", "--project", "limits", "--name", "poor", "--daily-budget-usd", "0.01")
    time.sleep(1)
    refused = ask(anybody, key, prompt="x", max_tokens=100_000)
    assert (refused.status_code, refused.json()["error"]["code"]) == (402, "budget_spent")
    assert ask(anybody, key, prompt="x", max_tokens=100).status_code == 200
    message = [{"role": "user", "content": "x"}]
    v1 = ask(
        anybody, key, "/v1/chat/completions", model="gemini-2.5-flash", messages=message, max_tokens=100_000
    )
    assert (v1.status_code, v1.json()["error"]["type"]) == (429, "insufficient_quota")
    assert v1.headers["x-should-retry"] == "false"


def test_a_key_may_use_only_what_it_is_allowed(stack: Stack, anybody: httpx.Client) -> None:
    key = manage(
        stack,
        *("create_key", "--project", "limits", "--name", "narrow"),
        *("--allowed-models", "gemini-2.5-flash", "--allowed-prompts", "translator"),
    )
    time.sleep(1)
    assert ask(anybody, key).status_code == 200
    assert ask(anybody, key, prompt="x", model="gemini-2.5-pro").status_code == 403
    assert ask(anybody, key, "/summarize").status_code == 403
    listed = anybody.get("/v1/models", headers={"Authorization": f"Bearer {key}"}).json()["data"]
    assert {model["id"] for model in listed} == {"gemini-2.5-flash", "prompt:translator"}
