"""A crowd that logs in gets its answers in turn, and takes nothing from those who are at work."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from gateway_app.tests.clients import Browser
from llmgateway import parts
from llmgateway.ports import LOOPBACK, free_port
from llmgateway.stack import Stack

LOGIN = "/admin/login/"
CROWD = 40


@pytest.fixture(scope="module")
def browser(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """Logged in at a gateway of one process."""
    port = free_port()
    log = tmp_path_factory.mktemp("crowd") / "gateway.log"
    child = parts.gateway(stack.env | {"WEB_WORKERS": "1", "DATABASE_POOL_SIZE": "6"}, port=port, log=log)
    child.start()
    with httpx.Client(base_url=f"http://{LOOPBACK}:{port}", timeout=30, follow_redirects=True) as client:
        found = Browser(client)
        name, password = stack.admin
        found.submit(LOGIN, username=name, password=password)
        yield found
    child.stop()


def log_in_wrongly(url: httpx.URL, number: int) -> httpx.Response:
    with httpx.Client(base_url=url, timeout=30) as client:
        client.get(LOGIN)
        sent = {"csrfmiddlewaretoken": client.cookies["csrftoken"]}
        return client.post(LOGIN, data=sent | {"username": f"mallory-{number}", "password": "wrong"})


def test_a_crowd_of_logins_takes_turns_and_pages_are_served_meanwhile(browser: Browser) -> None:
    url = browser.client.base_url
    with ThreadPoolExecutor(CROWD) as crowd:
        logins = [crowd.submit(log_in_wrongly, url, number) for number in range(CROWD)]
        waits, statuses = [], []
        while not all(login.done() for login in logins):
            began = time.monotonic()
            statuses.append(browser.client.get("/admin/prompts_app/prompt/").status_code)
            waits.append(time.monotonic() - began)
    answers = [login.result() for login in logins]
    assert {answer.status_code for answer in answers} == {200, 503}, "200: the form again"
    assert set(statuses) == {200}
    assert max(waits) < 3
    turned_away = next(answer for answer in answers if answer.status_code == 503)
    assert turned_away.headers["Retry-After"] == "1"
    assert "too many people are logging in" in turned_away.text
    assert "frame-ancestors" in turned_away.headers["Content-Security-Policy"]
