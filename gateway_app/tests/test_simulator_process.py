"""The simulator as a process of its own."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.error import HTTPError

import httpx
import pytest

from gateway_app.testing.process import SimulatorProcess

ROOT = Path(__file__).resolve().parents[2]
PATH = "/v1beta/models/gemini-2.5-flash:generateContent?key=k"
BODY = {"contents": [{"parts": [{"text": "Say ahoy"}]}]}
MODULE = [sys.executable, "-m", "gateway_app.testing.simulator"]
BARE = {"PATH": os.environ["PATH"]}
"""An environment in which Django's settings cannot load."""


@pytest.fixture(scope="module")
def process() -> Iterator[SimulatorProcess]:
    with SimulatorProcess() as running:
        yield running


def test_it_answers(process: SimulatorProcess) -> None:
    reply = httpx.post(process.url + PATH, json=BODY)
    assert reply.json()["candidates"][0]["content"]["parts"] == [{"text": "ahoy"}]


def test_its_controls_work_from_outside(process: SimulatorProcess) -> None:
    process.control.reset_stats()
    process.control.fault("429", times=2, retry_after=7)
    statuses = [httpx.post(process.url + PATH, json=BODY).status_code]
    process.control.clear_faults()
    statuses.append(httpx.post(process.url + PATH, json=BODY).status_code)
    assert statuses == [429, 200]
    assert process.control.stats().by_method == {"generateContent": 2}
    assert [request.body for request in process.control.requests(1)] == [BODY]


def test_a_fault_that_does_not_exist_is_refused(process: SimulatorProcess) -> None:
    with pytest.raises(HTTPError, match="400") as refused:
        process.control.fault("flood")
    refused.value.close()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_starts_without_django_and_stops_at_once(number: signal.Signals) -> None:
    command = [*MODULE, "--port", "0", "--announce"]
    with subprocess.Popen(command, cwd=ROOT, env=BARE, stdout=subprocess.PIPE, text=True) as running:
        assert running.stdout is not None
        url = running.stdout.readline().removeprefix("listening on ").strip()
        hanging = socket.create_connection(("127.0.0.1", int(url.rpartition(":")[2])))
        started = time.monotonic()
        running.send_signal(number)
        assert running.wait(5) == 0
        assert time.monotonic() - started < 1
        hanging.close()


def test_the_management_command_serves_until_it_is_stopped() -> None:
    command = [sys.executable, "manage.py", "fake_gemini", "--port", "0", "--chunk-delay-ms", "0"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as running:
        assert running.stdout is not None
        url = running.stdout.readline().removeprefix("listening on ").strip()
        assert httpx.post(url + PATH, json=BODY).status_code == 200
        running.terminate()
        assert running.wait(5) == 0


@pytest.mark.parametrize("option", [("--port", "65536"), ("--port", "x"), ("--chunk-delay-ms", "-1")])
def test_a_wrong_option_is_said_so(option: tuple[str, str]) -> None:
    ended = subprocess.run(
        [*MODULE, *option], cwd=ROOT, env=BARE, capture_output=True, text=True, timeout=10, check=False
    )
    assert ended.returncode == 2
    assert f"error: argument {option[0]}: " in ended.stderr


def test_a_taken_port_is_one_clear_line() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        command = [*MODULE, "--port", str(taken.getsockname()[1])]
        ended = subprocess.run(
            command, cwd=ROOT, env=BARE, capture_output=True, text=True, timeout=10, check=False
        )
    assert ended.returncode == 1
    assert ended.stderr.count("\n") == 1
    assert "address already in use" in ended.stderr
