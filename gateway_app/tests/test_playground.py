"""Editors try versions over a socket that knows them by the admin's cookie."""

import asyncio
import secrets
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import httpx
import pytest
import websockets

from gateway_app.playground import FORBIDDEN
from gateway_app.tests.clients import Browser, Socket, open_browser
from gateway_app.tests.test_end_to_end import row, version_id
from llmgateway.env import ROOT
from llmgateway.stack import Stack

TEXT = "The sea is wide. The sea is deep. Ships cross it every day."


@pytest.fixture(scope="module")
def editor(stack: Stack) -> Iterator[Browser]:
    with open_browser(stack) as browser:
        yield browser


@asynccontextmanager
async def playground(stack: Stack, cookies: httpx.Cookies, *, origin: str = "") -> AsyncIterator[Socket]:
    sent = {"Cookie": "; ".join(f"{name}={value}" for name, value in cookies.items())}
    async with websockets.connect(
        f"{stack.ws_url}/ws/playground", additional_headers=sent, origin=origin or stack.url
    ) as connection:
        yield Socket(connection)


def trial(identifier: str = "1", **changes: Any) -> dict[str, Any]:
    usual = {"type": "try", "prompt_name": "summarizer", "version": "v1", "variables": {"text": TEXT}}
    return usual | {"id": identifier} | changes


async def test_two_versions_answer_side_by_side(stack: Stack, editor: Browser) -> None:
    frames: list[dict[str, Any]] = []
    async with playground(stack, editor.client.cookies) as socket:
        await socket.send(**trial("old"))
        await socket.send(**trial("new", version="v2"))
        while sum(frame["type"] == "end" for frame in frames) < 2:
            frames.append(await socket.receive())
    starts = {frame["id"]: frame["prompt_version"] for frame in frames if frame["type"] == "start"}
    assert starts == {"old": "v1", "new": "v2"}
    ends = [frame for frame in frames if frame["type"] == "end"]
    assert all(end["usage"]["total_tokens"] and end["cost_usd"] and end["latency"] for end in ends)


async def test_a_draft_is_tried_before_anybody_else_can_call_it(stack: Stack, editor: Browser) -> None:
    label = f"draft-{secrets.token_hex(4)}"
    pk, _ = version_id(stack, "summarizer", "v1")
    editor.submit(f"/admin/prompts_app/promptversion/add/?prompt={pk}", label=label)
    async with playground(stack, editor.client.cookies) as socket:
        for _ in range(20):  # the workers follow within a second
            await socket.send(**trial(version=label))
            last = (await socket.until_done("1"))[-1]
            if last["type"] == "end":
                break
            await asyncio.sleep(0.1)
    assert last["type"] == "end"
    async with httpx.AsyncClient(headers={"Authorization": f"Bearer {stack.key}"}) as api:
        sent = {"variables": {"text": TEXT}, "version": label}
        refused = await api.post(f"{stack.url}/prompts/summarizer/chat", json=sent)
    assert refused.status_code == 404


async def test_a_trial_is_in_the_ledger_as_such_with_who_tried(stack: Stack, editor: Browser) -> None:
    async with playground(stack, editor.client.cookies) as socket:
        await socket.send(**trial())
        frames = await socket.until_done("1")
    found = row(stack, frames[0]["request_id"])
    assert (found["surface"], found["project_id"], found["key_name"]) == ("playground", None, stack.admin[0])
    assert found["prompt_version"] == "v1"


async def test_every_trial_is_fresh_unless_cached_answers_are_asked_for(
    stack: Stack, editor: Browser
) -> None:
    text = f"{TEXT} {secrets.token_hex(4)}"
    hits = []
    async with playground(stack, editor.client.cookies) as socket:
        for cached in (False, False, True, True):
            await socket.send(**trial(variables={"text": text}, cached=cached))
            hits.append((await socket.until_done("1"))[-1]["cache_hit"])
    assert hits == [False, False, False, True]


@pytest.mark.parametrize(
    ("frame", "code"),
    [
        (trial(version="v99"), "prompt_version_not_found"),
        (trial(variables={}), "variables_invalid"),
        ({"type": "auth", "key": "sk-stolen"}, "invalid_request"),
        ({"type": "chat", "id": "1", "prompt": "anything at all"}, "invalid_request"),
    ],
)
async def test_what_cannot_be_tried_is_explained(
    stack: Stack, editor: Browser, frame: dict[str, Any], code: str
) -> None:
    async with playground(stack, editor.client.cookies) as socket:
        await socket.send(**frame)
        assert (await socket.receive())["code"] == code


async def test_a_stranger_is_turned_away(stack: Stack) -> None:
    with pytest.raises(websockets.InvalidStatus, match="403"):
        async with playground(stack, httpx.Cookies()):
            pass


async def test_a_page_from_elsewhere_is_turned_away_cookie_or_not(stack: Stack, editor: Browser) -> None:
    with pytest.raises(websockets.InvalidStatus, match="403"):
        async with playground(stack, editor.client.cookies, origin="https://evil.example"):
            pass


def shell(stack: Stack, code: str) -> None:
    command = [sys.executable, ROOT / "manage.py", "shell", "-c", code]
    subprocess.run(command, env=stack.env, capture_output=True, check=True, timeout=60)


@contextmanager
def eve(stack: Stack) -> Iterator[tuple[Browser, str]]:
    """An editor of her own, logged in, and her name."""
    name, password = f"eve-{secrets.token_hex(3)}", secrets.token_hex(8)
    shell(
        stack,
        "from django.contrib.auth.models import Group, User; "
        f"eve = User.objects.create_user({name!r}, password={password!r}, is_staff=True); "
        "eve.groups.add(Group.objects.get(name='Editors'))",
    )
    with httpx.Client(base_url=stack.url, timeout=20, follow_redirects=True) as client:
        browser = Browser(client)
        browser.submit("/admin/login/", username=name, password=password)
        yield browser, name


def the_user(name: str) -> str:
    return f"from django.contrib.auth.models import User; eve = User.objects.get(username={name!r}); "


def log_out(browser: Browser) -> None:
    sent = {"csrfmiddlewaretoken": browser.client.cookies["csrftoken"]}
    assert browser.client.post("/admin/logout/", data=sent).status_code == 200


async def refused(socket: Socket) -> str:
    """What a trial is told before the socket is closed."""
    await socket.send(**trial())
    frame = await socket.receive()
    assert (frame["id"], frame["code"]) == ("1", "forbidden")
    await asyncio.wait_for(socket.connection.wait_closed(), 2)
    assert socket.connection.close_code == FORBIDDEN
    return str(frame["message"])


async def test_who_loses_the_permission_loses_it_on_an_open_socket(stack: Stack) -> None:
    with eve(stack) as (browser, name):
        async with playground(stack, browser.client.cookies) as socket:
            shell(stack, f"{the_user(name)}eve.groups.clear()")
            assert await refused(socket) == "you may not try prompts"


async def test_who_logs_out_is_answered_no_more_on_an_open_socket(stack: Stack) -> None:
    with eve(stack) as (browser, _):
        async with playground(stack, browser.client.cookies) as socket:
            await socket.send(**trial())
            assert (await socket.until_done("1"))[-1]["type"] == "end"
            log_out(browser)
            assert "logged in" in await refused(socket)


async def test_a_new_password_ends_a_socket_that_the_old_one_opened(stack: Stack) -> None:
    with eve(stack) as (browser, name):
        async with playground(stack, browser.client.cookies) as socket:
            shell(stack, f"{the_user(name)}eve.set_password({secrets.token_hex(8)!r}); eve.save()")
            assert "logged in" in await refused(socket)


async def test_several_trials_at_once_after_a_logout_are_all_refused(stack: Stack) -> None:
    with eve(stack) as (browser, _):
        async with playground(stack, browser.client.cookies) as socket:
            log_out(browser)
            for number in range(4):
                await socket.send(**trial(str(number)))
            frames: list[dict[str, Any]] = []
            with pytest.raises(websockets.ConnectionClosed, match=str(FORBIDDEN)):
                while True:
                    frames.append(await socket.receive())
    assert {frame["code"] for frame in frames} == {"forbidden"}
    assert not [line for line in stack.log_lines() if "never retrieved" in line]
