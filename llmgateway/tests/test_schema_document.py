"""The API's own description is there for everybody, however many ask first."""

from concurrent.futures import ThreadPoolExecutor

import httpx

from llmgateway.stack import Stack


def test_all_who_ask_a_new_process_at_once_get_it(stack: Stack) -> None:
    stack.restart_gateway()
    with ThreadPoolExecutor(12) as crowd:
        answers = list(crowd.map(lambda _: httpx.get(f"{stack.url}/schema/", timeout=30), range(12)))
    assert [answer.status_code for answer in answers] == [200] * 12
    assert len({answer.text for answer in answers}) == 1


def test_what_a_caller_calls_its_version_is_not_in_it(stack: Stack) -> None:
    stack.restart_gateway()
    named = httpx.get(f"{stack.url}/schema/", params={"version": "of-my-own"}, timeout=30)
    assert named.text == httpx.get(f"{stack.url}/schema/", timeout=30).text
    assert "of-my-own" not in named.text
