"""`make run`: starts what the gateway needs and the gateway, keeps them up, and stops them in order.

    Postgres, Redis      embedded under var/, unless DATABASE_URL and REDIS_URL name others
    Gemini simulator     unless GEMINI_API_KEY or GEMINI_BASE_URL is set
    bootstrap            migrations, seeds, first user and key
    ledger worker, gateway

Nothing is started before the environment, the port and the given servers have been looked at. Once calls
are answered, the ledger worker and the task worker end nothing but themselves: their work waits for them.
"""

import argparse
import fcntl
import os
import secrets
import signal
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from llmgateway import embedded, env, leftovers, parts
from llmgateway.ports import LOOPBACK, free_port, is_free, refusal
from llmgateway.processes import ProcessFailed
from llmgateway.supervisor import Supervisor

ANSWER_WITHIN = 3.0
"""Seconds for a server named by a URL to accept a connection."""
SHARED = ("DATABASE_URL", "REDIS_URL", "SECRET_KEY", "DEBUG", "GEMINI_BASE_URL", "GEMINI_API_KEY")
"""What `manage.py` in another shell needs to know of a running system."""


class CannotRun(Exception):
    """Something outside stands in the way; the message says what, and what to do."""


@dataclass(frozen=True, kw_only=True)
class Plan:
    values: dict[str, str]
    """The environment of the children, as far as it is known before anything runs."""
    port: int
    embed_postgres: bool
    embed_redis: bool
    simulate: bool


def plan(environment: Mapping[str, str], *, secret_key: str) -> Plan:
    """What to start. Raises `InvalidEnvironment`."""
    given = {name: value for name, value in environment.items() if value.strip()}
    values = {"DEBUG": "1", "SECRET_KEY": secret_key, **given, env.ENV_FILES: os.devnull}
    checked = env.read({"DATABASE_URL": "postgresql://", **values})
    return Plan(
        values=values,
        port=checked.port,
        embed_postgres="DATABASE_URL" not in given,
        embed_redis="REDIS_URL" not in given,
        simulate="GEMINI_API_KEY" not in given and "GEMINI_BASE_URL" not in given,
    )


def main() -> int:
    options = argparse.ArgumentParser(description="Runs the whole system until Ctrl-C or SIGTERM.")
    options.add_argument(
        "--var", type=Path, default=env.ROOT / "var", help="where data, logs and state are kept"
    )
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.default_int_handler)
    try:
        run(options.parse_args().var.resolve())
    except (CannotRun, ProcessFailed, env.InvalidEnvironment, OSError) as error:
        sys.stderr.write(f"llmgateway: {error}\n")
        return 1
    except KeyboardInterrupt:
        say("stopped")
    return 0


def run(var: Path) -> None:
    """Returns only by an exception: `KeyboardInterrupt` once everything has been stopped cleanly."""
    with ExitStack() as undo:
        undo.enter_context(_only_one(var / "run"))
        _clear_leftovers(var)
        chosen = plan(env.process_environment(), secret_key=_secret_key(var / "secret_key"))
        _look_outside(chosen)
        supervisor = Supervisor()
        undo.callback(supervisor.stop)
        values = _start_servers(supervisor, chosen, var)
        undo.callback((var / "embedded.env").unlink, missing_ok=True)
        _write_private(var / "embedded.env", _as_file(values))
        _bootstrap(values)
        _start_gateway(supervisor, values, port=chosen.port, records=var / "run")
        _start_tasks(supervisor, values, var)
        supervisor.watch()


def say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def _start_servers(supervisor: Supervisor, chosen: Plan, var: Path) -> dict[str, str]:
    """Starts them side by side; returns the environment with their addresses when they are ready."""
    values, logs, records = dict(chosen.values), var / "log", var / "run"
    children = []
    if chosen.embed_postgres:
        postgres = embedded.postgres(
            var / "postgres", log=logs / "postgres.log", record=records / "postgres.json"
        )
        children.append(postgres.child)
        values["DATABASE_URL"] = postgres.url
        say(f"Postgres  embedded, data in {var / 'postgres'}")
    if chosen.embed_redis:
        redis = embedded.redis(var / "redis", log=logs / "redis.log", record=records / "redis.json")
        children.append(redis.child)
        values["REDIS_URL"] = redis.url
        say(f"Redis     embedded, {redis.url}")
    if chosen.simulate:
        port = free_port()
        children.append(
            parts.simulator(values, port=port, log=logs / "simulator.log", record=records / "simulator.json")
        )
        values |= {"GEMINI_BASE_URL": f"http://{LOOPBACK}:{port}", "GEMINI_API_KEY": "simulated"}
        say("Gemini    the bundled simulator, because GEMINI_API_KEY is not set")
    for child in children:
        supervisor.launch(child)
    for child in children:
        child.wait_ready()
    return values


def _bootstrap(values: Mapping[str, str]) -> None:
    child = parts.bootstrap(values)
    child.launch()
    try:
        code = child.wait(timeout=120)
    finally:
        child.kill()
    if code != 0:
        raise CannotRun("the database could not be made ready (see above)")


def _start_gateway(supervisor: Supervisor, values: Mapping[str, str], *, port: int, records: Path) -> None:
    gateway = parts.gateway(values, port=port, record=records / "gateway.json")
    supervisor.launch(parts.ledger(values, record=records / "ledger.json"), vital=False)
    supervisor.launch(gateway)
    gateway.wait_ready()
    url = f"http://{LOOPBACK}:{port}"
    say(f"API       {url}\nAdmin     {url}/admin/\nDocs      {url}/docs/\nCtrl-C stops everything.")


def _start_tasks(supervisor: Supervisor, values: Mapping[str, str], var: Path) -> None:
    """Nobody waits for it: the first answer comes before the first task."""
    schedule, record = var / "run" / "celerybeat", var / "run" / "tasks.json"
    tasks = parts.tasks(values, schedule=schedule, log=var / "log" / "tasks.log", record=record)
    supervisor.launch(tasks, vital=False)


def _look_outside(chosen: Plan) -> None:
    """Raises `CannotRun` where the port is taken or a given server does not answer."""
    if not is_free(chosen.port):
        raise CannotRun(
            f"port {chosen.port} is taken; choose another one: PORT={chosen.port % 65535 + 1} make run"
        )
    if not chosen.embed_postgres:
        _look_at("DATABASE_URL", chosen.values["DATABASE_URL"], default_port=5432)
    if not chosen.embed_redis:
        _look_at("REDIS_URL", chosen.values["REDIS_URL"], default_port=6379)


def _look_at(name: str, url: str, *, default_port: int) -> None:
    address = urlsplit(url)
    if not address.hostname:  # a Unix socket
        return
    port = address.port or default_port
    if reason := refusal(address.hostname, port, timeout=ANSWER_WITHIN):
        raise CannotRun(f"{name}: nobody answers at {address.hostname}:{port} ({reason})")


@contextmanager
def _only_one(directory: Path) -> Iterator[None]:
    """Holds the tree: two systems over one data directory would destroy it."""
    directory.mkdir(parents=True, exist_ok=True)
    with (directory / "lock").open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise CannotRun(f"already running here: {directory} is in use by another `make run`") from None
        yield


def _clear_leftovers(var: Path) -> None:
    """What a killed run has left behind, the gateway before what it stands on."""
    (var / "embedded.env").unlink(missing_ok=True)
    for name in ("tasks", "gateway", "ledger", "simulator", "redis", "postgres"):
        if stopped := leftovers.stop(var / "run" / f"{name}.json"):
            say(f"stopped the {stopped} of an interrupted run")


def _secret_key(file: Path) -> str:
    if not file.exists():
        _write_private(file, secrets.token_urlsafe(50))
    return file.read_text()


def _as_file(values: Mapping[str, str]) -> str:
    return "".join(f'{name}="{values[name]}"\n' for name in SHARED if name in values)


def _write_private(file: Path, text: str) -> None:
    """Whole or not at all, and for our eyes only."""
    unfinished = file.with_name(file.name + ".new")
    unfinished.unlink(missing_ok=True)
    with open(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as output:
        output.write(text)
    unfinished.replace(file)


if __name__ == "__main__":
    sys.exit(main())
