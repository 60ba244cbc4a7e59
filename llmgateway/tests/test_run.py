"""`make run` from outside: what it starts works, a refusal is one line, and nothing is left behind."""

import contextlib
import os
import re
import signal
import socket
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import psutil
import psycopg
import pytest

from llmgateway import env
from llmgateway.ports import LOOPBACK, free_port
from llmgateway.processes import Child
from llmgateway.run import plan
from llmgateway.stack import Stack

Run = Callable[..., Child]


@pytest.fixture
def run(tmp_path: Path) -> Iterator[Run]:
    """Starts `python -m llmgateway.run` as on a machine where nothing is set."""
    made: list[Child] = []

    def start(*, var: Path | None = None, env_file: str = "", **variables: str) -> Child:
        (tmp_path / ".env").write_text(env_file)
        unset = {name: value for name, value in os.environ.items() if name not in env.names()}
        child = Child(
            "make run",
            [sys.executable, "-m", "llmgateway.run", "--var", var or tmp_path / "var"],
            environment={**unset, env.ENV_FILES: str(tmp_path / ".env"), **variables},
            log=tmp_path / f"log-{len(made)}",
            ready_within=60,
            grace=40,
        )
        child.ready = lambda: "Ctrl-C stops everything." in child.output()
        child.launch()
        made.append(child)
        return child

    yield start
    for child in made:
        child.stop()


@pytest.fixture(scope="module")
def var(serving_path: Path) -> Path:
    return serving_path / "var"


@pytest.fixture(scope="module")
def port() -> int:
    return free_port()


def test_it_serves_and_a_stop_leaves_nothing(run: Run, var: Path, port: int) -> None:
    system = run(var=var, PORT=str(port))
    system.wait_ready()
    assert _summarize(port, key=_key(system)) == 200
    started = _descendants(system)
    assert len(started) >= 5
    os.kill(system.pid or 0, signal.SIGTERM)
    assert system.wait(timeout=40) == 0
    assert [process for process in started if process.is_running()] == []
    assert not (var / "embedded.env").exists()
    assert list((var / "run").glob("*.json")) == []


def test_it_recovers_from_a_kill_with_its_data(run: Run, var: Path, port: int) -> None:
    first = run(var=var, PORT=str(port))
    first.wait_ready()
    users = _users(var)
    first.kill()
    second = run(var=var, PORT=str(port))
    second.wait_ready()
    assert _users(var) == users == ["admin"]
    assert "were shown at the first start" in second.output()


def test_a_second_run_in_the_same_place_is_refused(run: Run, var: Path, port: int) -> None:
    first = run(var=var, PORT=str(port))
    first.wait_ready()
    second = run(var=var, PORT=str(free_port()))
    assert _refusal(second).startswith("llmgateway: already running here")
    assert httpx.get(f"http://{LOOPBACK}:{port}/health").status_code == 200


def test_a_part_that_is_killed_comes_back(run: Run, var: Path, port: int) -> None:
    system = run(var=var, PORT=str(port))
    system.wait_ready()
    for process in _descendants(system):
        with contextlib.suppress(psutil.NoSuchProcess):  # it ended since the others were listed
            if "llmgateway.serve" in process.cmdline():
                process.kill()
    system.ready = lambda: "gateway ended with code -9; again in" in system.output() and _is_ready(port)
    system.wait_ready()


def test_given_servers_are_used_instead_of_embedded_ones(run: Run, stack: Stack, tmp_path: Path) -> None:
    port = free_port()
    system = run(PORT=str(port), DATABASE_URL=stack.database_url, REDIS_URL=stack.redis_url)
    system.wait_ready()
    assert _summarize(port, key=stack.key) == 200
    assert not (tmp_path / "var" / "postgres").exists()
    assert not (tmp_path / "var" / "redis").exists()


def test_a_taken_port_is_named_before_anything_starts(run: Run, tmp_path: Path) -> None:
    with socket.create_server((LOOPBACK, 0)) as other:
        port = other.getsockname()[1]
        assert _refusal(run(PORT=str(port))) == (
            f"llmgateway: port {port} is taken; choose another one: PORT={port + 1} make run"
        )
    assert not (tmp_path / "var" / "postgres").exists()


@pytest.mark.parametrize(("name", "scheme"), [("DATABASE_URL", "postgresql"), ("REDIS_URL", "redis")])
def test_an_unreachable_server_is_named_without_its_password(run: Run, name: str, scheme: str) -> None:
    port, began = free_port(), time.monotonic()
    refusal = _refusal(run(PORT=str(free_port()), **{name: f"{scheme}://user:hidden@127.0.0.1:{port}/0"}))
    assert refusal == f"llmgateway: {name}: nobody answers at 127.0.0.1:{port} (Connection refused)"
    assert time.monotonic() - began < 5


def test_a_broken_env_file_is_refused_with_its_line(run: Run) -> None:
    assert _refusal(run(env_file="PORT 8001\n")).endswith(".env line 1 is not NAME=value")


def test_a_wrong_value_is_refused(run: Run) -> None:
    assert _refusal(run(env_file="CACHE_TTL=soon\n")) == (
        "llmgateway: CACHE_TTL takes a whole number from 0, not 'soon'"
    )


def test_without_a_key_the_simulator_answers() -> None:
    assert plan({}, secret_key="x").simulate
    assert not plan({"GEMINI_API_KEY": "real"}, secret_key="x").simulate
    assert not plan({"GEMINI_BASE_URL": "http://127.0.0.1:9"}, secret_key="x").simulate


def test_what_is_given_is_not_embedded() -> None:
    chosen = plan({"DATABASE_URL": "postgresql://h/n", "REDIS_URL": ""}, secret_key="x")
    assert (chosen.embed_postgres, chosen.embed_redis) == (False, True)


def test_a_given_secret_key_and_debug_stay() -> None:
    values = plan({"SECRET_KEY": "mine", "DEBUG": "0"}, secret_key="made").values
    assert (values["SECRET_KEY"], values["DEBUG"]) == ("mine", "0")


def _refusal(system: Child) -> str:
    """The one line that it says before it ends with code 1."""
    assert system.wait(timeout=10) == 1
    lines = system.output().splitlines()
    assert len(lines) == 1, lines
    return lines[0]


def _key(system: Child) -> str:
    return re.findall(r"gw_\w+?_[\w-]{43}", system.output())[0]


def _summarize(port: int, *, key: str) -> int:
    return httpx.post(
        f"http://{LOOPBACK}:{port}/summarize",
        json={"prompt": "The quick brown fox jumps over the lazy dog. It was not amused."},
        headers={"Authorization": f"Bearer {key}"},
        timeout=20,
    ).status_code


def _is_ready(port: int) -> bool:
    try:
        return httpx.get(f"http://{LOOPBACK}:{port}/health/ready").status_code == 200
    except httpx.TransportError:
        return False


def _descendants(system: Child) -> list[psutil.Process]:
    return psutil.Process(system.pid).children(recursive=True)


def _users(var: Path) -> list[str]:
    """Asks through the file that `manage.py` in another shell would read."""
    values = env.read_file(var / "embedded.env")
    with psycopg.connect(values["DATABASE_URL"], connect_timeout=5) as connection:
        return [name for (name,) in connection.execute("SELECT username FROM auth_user")]
