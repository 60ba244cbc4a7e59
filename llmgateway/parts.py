"""The system's own processes, as children to start: bootstrap, simulator, gateway, ledger worker."""

import http.client
import sys
from collections.abc import Mapping
from pathlib import Path

from llmgateway.env import ROOT
from llmgateway.ports import LOOPBACK, refusal
from llmgateway.processes import Child

MANAGE = (sys.executable, ROOT / "manage.py")


def bootstrap(environment: Mapping[str, str], *options: str, log: Path | None = None) -> Child:
    """Migrates, seeds, makes the first user and key, and ends."""
    return Child("bootstrap", [*MANAGE, "bootstrap", *options], environment=environment, log=log)


def simulator(
    environment: Mapping[str, str],
    *,
    port: int,
    log: Path,
    record: Path | None = None,
    chunk_delay: float = 0.0,
) -> Child:
    """The Gemini simulator on `port`; `chunk_delay` in seconds."""
    return Child(
        "simulator",
        [
            *(sys.executable, "-m", "gateway_app.testing.simulator"),
            *("--port", str(port), "--chunk-delay-ms", str(chunk_delay * 1000)),
        ],
        environment=environment,
        log=log,
        record=record,
        ready=lambda: refusal(LOOPBACK, port, timeout=1) is None,
    )


def gateway(
    environment: Mapping[str, str], *, port: int, log: Path | None = None, record: Path | None = None
) -> Child:
    """The web server on `port`, ready when every dependency of it is."""
    return Child(
        "gateway",
        [sys.executable, "-m", "llmgateway.serve", "--port", str(port)],
        environment=environment,
        log=log,
        record=record,
        ready=lambda: answers_ok(port, "/health/ready"),
        ready_within=60,
        grace=30,
    )


def ledger(environment: Mapping[str, str], *, log: Path | None = None, record: Path | None = None) -> Child:
    """The worker that moves finished calls from Redis to Postgres."""
    return Child("ledger worker", [*MANAGE, "run_ledger"], environment=environment, log=log, record=record)


def tasks(environment: Mapping[str, str], *, schedule: Path, log: Path, record: Path | None = None) -> Child:
    """The Celery worker with its clock, for evaluation runs and upkeep; `schedule` is the clock's memory."""
    return Child(
        "task worker",
        [
            *(sys.executable, "-m", "celery", "--app", "llmgateway.celery", "worker", "--beat"),
            *("--schedule", schedule, "--concurrency", "2", "--loglevel", "WARNING", "--without-mingle"),
        ],
        environment=environment,
        log=log,
        record=record,
    )


def answers_ok(port: int, path: str) -> bool:
    """Whether `GET path` on the loopback `port` answers 200 within two seconds."""
    connection = http.client.HTTPConnection(LOOPBACK, port, timeout=2)
    try:
        connection.request("GET", path)
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
