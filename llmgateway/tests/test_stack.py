"""The fixture that end-to-end tests stand on: a whole system, whose parts come and go as in life."""

import httpx
import psycopg

from llmgateway.stack import Stack

TEXT = "The gateway keeps every answer for an hour. Whoever asks again is served from memory."


def summarize(stack: Stack, *, key: str) -> httpx.Response:
    return httpx.post(
        f"{stack.url}/summarize",
        json={"prompt": TEXT},
        headers={"Authorization": f"Bearer {key}"},
        timeout=20,
    )


def test_its_key_is_good_and_another_is_not(stack: Stack) -> None:
    assert summarize(stack, key=stack.key).status_code == 200
    assert summarize(stack, key="gw_wrong").status_code == 401


def test_its_simulator_tells_what_it_was_asked(stack: Stack) -> None:
    assert httpx.get(f"{stack.simulator_url}/_sim/stats").status_code == 200


def test_its_admin_can_log_in(stack: Stack) -> None:
    username, password = stack.admin
    with httpx.Client(base_url=stack.url, follow_redirects=True) as browser:
        browser.get("/admin/login/")
        page = browser.post(
            "/admin/login/?next=/admin/",
            data={
                "username": username,
                "password": password,
                "csrfmiddlewaretoken": browser.cookies["csrftoken"],
            },
            headers={"Referer": f"{stack.url}/admin/login/"},
        )
    assert "Log out" in page.text


def test_its_database_is_not_the_suites(stack: Stack) -> None:
    with psycopg.connect(stack.database_url) as connection:
        (name,) = connection.execute("SELECT current_database()").fetchone() or ("",)
    assert name.startswith("stack_")


def test_its_gateway_restarts_and_logs(stack: Stack) -> None:
    stack.restart_gateway()
    assert any("registry_loaded" in line for line in stack.log_lines())
    assert summarize(stack, key=stack.key).status_code == 200


def test_a_killed_part_comes_back(stack: Stack) -> None:
    stack.kill("simulator")
    stack.restart("simulator")
    assert httpx.get(f"{stack.simulator_url}/_sim/stats").status_code == 200
