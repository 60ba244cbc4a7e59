"""Operators make keys, set limits and purge the cache in the admin, through the same verbs."""

import re
import time

import httpx
import pytest

from gateway_app.tests.clients import Browser, open_browser
from llmgateway.stack import Stack


@pytest.fixture
def key_page(stack: Stack) -> str:
    return "/admin/gateway_app/apikey/"


def test_a_key_is_made_shown_once_and_works_with_its_limits(stack: Stack, key_page: str) -> None:
    with open_browser(stack) as browser:
        project = re.search(
            r'<option value="(\d+)"[^>]*>demo</option>', browser.client.get(f"{key_page}add/").text
        )
        assert project
        made = browser.submit(
            f"{key_page}add/",
            project=project[1],
            name="from the admin",
            scopes="chat",
            requests_per_minute="1",
        )
        found = re.search(r"gw_[a-z0-9]{12}_[A-Za-z0-9_-]{43}", made.text)
        assert found
        key = found[0]
        listed = browser.client.get(key_page).text
        assert key not in listed
        assert "chat, feedback, prompts:read" in listed
        time.sleep(1)
        headers = {"Authorization": f"Bearer {key}"}
        codes = [
            httpx.post(f"{stack.url}/chat", json={"prompt": f"Hi {n}."}, headers=headers).status_code
            for n in (1, 2)
        ]
        assert codes == [200, 429]

        page = f"{key_page}{key.split('_')[1]}/change/"
        browser.submit(page, requests_per_minute="50", allowed_models="gemini-2.5-flash, gemini-2.5-pro")
        time.sleep(1)
        answer = httpx.post(f"{stack.url}/chat", json={"prompt": "Hi 3."}, headers=headers)
        assert answer.headers["x-ratelimit-limit-requests"] == "50"
        assert "gemini-2.5-flash, gemini-2.5-pro" in browser.client.get(page).text


def test_a_limit_that_makes_no_sense_is_said_beside_its_field(stack: Stack, key_page: str) -> None:
    with open_browser(stack) as browser:
        answer = post_form(browser, f"{key_page}add/", name="wrong", daily_budget_usd="-1")
        assert "takes dollars and whole cents from 0" in answer.text


@pytest.mark.parametrize("field", ["allowed_models", "allowed_prompts"])
def test_a_name_that_cannot_be_stored_is_said_beside_its_field(
    stack: Stack, key_page: str, field: str
) -> None:
    with open_browser(stack) as browser:
        answer = post_form(browser, f"{key_page}add/", **{"name": "wrong", field: "a\0b"})
        assert (answer.status_code, "Null characters are not allowed." in answer.text) == (200, True)


def test_the_cache_is_purged_from_the_admin_and_more_than_once(stack: Stack) -> None:
    headers = {"Authorization": f"Bearer {stack.key}"}
    body = {"prompt": "Sun. Moon. Purged in the admin."}
    with open_browser(stack) as browser:
        for _ in range(2):
            httpx.post(f"{stack.url}/summarize", json=body, headers=headers)
            browser.submit("/admin/gateway_app/cachepurge/add/", kind="prompt", name="summarizer")
            time.sleep(1)
            answer = httpx.post(f"{stack.url}/summarize", json=body, headers=headers)
            assert answer.json()["cache_hit"] is False


def post_form(browser: Browser, path: str, **fields: str) -> httpx.Response:
    """A form that will be refused."""
    token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', browser.client.get(path).text)
    assert token
    data = {"csrfmiddlewaretoken": token[1], **fields}
    return browser.client.post(path, data=data, headers={"Referer": f"{browser.client.base_url}{path}"})
