"""A large evaluation run over the simulator, whose task worker is killed in the middle.

    python -m benchmarks.eval_runs --questions 10000

Starts a system of its own. Prints answers a second, how busy the machine's cores were, and the CPU
milliseconds that each part spends on an answer, from when the second worker works until the last answer.
Exits with 1 where a question has no answer, an answer changed, or more was asked than the questions and what
was open when the worker died.
"""

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import psutil
import psycopg

from benchmarks.machine import cpu_seconds
from benchmarks.own_system import Own, own_stack
from gateway_app.testing.process import SimulatorControl
from llmgateway import parts
from llmgateway.env import ROOT
from llmgateway.parts import MANAGE
from llmgateway.processes import Child

CONCURRENCY = 16
PROMPT = {
    "name": "echo",
    "version": "v1",
    "user": "Repeat: {{text}}",
    "parameters": {"max_tokens": 50},
}
CASES = {
    "name": "echoes",
    "prompt": "echo",
    "evaluators": [{"kind": "contains_all", "expected": "words"}, {"kind": "length", "at_most": 500}],
}
FINISHED = "SELECT finished FROM evals_app_evalrun"
OVER = "SELECT count(*) FROM evals_app_evalrun WHERE report IS NOT NULL"
ANSWERS = "SELECT id, finished_at FROM evals_app_evalresult WHERE state = 'done'"
ATTEMPTS = "SELECT attempts, count(*) FROM evals_app_evalresult GROUP BY 1 ORDER BY 1"
HAND_OUT = (
    "from llmgateway import celery; from evals_app import services, tasks; "
    "tasks.hand_out(services.start_run("
    f"dataset='echoes', versions=['v1'], concurrency={CONCURRENCY}, cap_usd=1000, actor='benchmark').pk)"
)


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--questions", type=int, default=10_000)
    asked = options.parse_args()
    with own_stack(workers=1) as own, psycopg.connect(own.stack.database_url, autocommit=True) as rows:
        _write(own, asked.questions)
        _manage(own, "shell", "-v", "0", "-c", HAND_OUT)
        with _worker(own) as first:
            _wait(lambda: _one(rows, FINISHED) >= asked.questions / 5)
            first.kill()
        before = _pairs(rows, ANSWERS)
        with _worker(own) as second:
            _wait(lambda: _one(rows, FINISHED) >= asked.questions * 0.3)
            measured = _measure(own, second, rows)
        answers, attempts = _pairs(rows, ANSWERS), _pairs(rows, ATTEMPTS)
        calls = SimulatorControl(own.stack.simulator_url).stats().calls
    _tell(measured)
    return _judge(asked.questions, before, answers, attempts, calls)


def _write(own: Own, questions: int) -> None:
    prompts, datasets = own.directory / "prompts", own.directory / "datasets"
    (prompts / "echo").mkdir(parents=True)
    datasets.mkdir()
    (prompts / "echo" / "v1.yaml").write_text(json.dumps(PROMPT))  # JSON is YAML
    cases = [
        {
            "key": f"c{number}",
            "variables": {"text": f"word{number}"},
            "expected": {"words": [f"word{number}"]},
        }
        for number in range(questions)
    ]
    (datasets / "echoes.yaml").write_text(json.dumps(CASES | {"cases": cases}))
    _manage(own, "sync_prompts", str(prompts))
    _manage(own, "sync_datasets", str(datasets))


@contextmanager
def _worker(own: Own) -> Iterator[Child]:
    name = own.directory / "tasks"
    worker = parts.tasks(own.stack.env, schedule=name.with_suffix(".beat"), log=name.with_suffix(".log"))
    worker.start()
    try:
        yield worker
    finally:
        worker.kill()


def _measure(own: Own, worker: Child, rows: "psycopg.Connection[Any]") -> Mapping[str, float]:
    """Until the run is over: seconds, answers, the cores' busy share, and each part's CPU seconds."""
    assert worker.pid
    assert own.postgres.child.pid
    assert own.redis.child.pid
    pids = {
        "task worker": worker.pid,
        "simulator": own.stack.pid("simulator"),
        "ledger worker": own.stack.pid("ledger"),
        "gateway, idle": own.stack.pid("gateway"),
        "Postgres": own.postgres.child.pid,
        "Redis": own.redis.child.pid,
    }
    began, had = time.monotonic(), _one(rows, FINISHED)
    spent = {name: cpu_seconds(pid) for name, pid in pids.items()}
    psutil.cpu_percent()
    _wait(lambda: _one(rows, OVER))
    return {
        "seconds": time.monotonic() - began,
        "answers": _one(rows, FINISHED) - had,
        "busy": psutil.cpu_percent() / 100,
        **{name: cpu_seconds(pid) - spent[name] for name, pid in pids.items()},
    }


def _tell(measured: Mapping[str, float]) -> None:
    seconds, answers, busy, *_ = measured.values()
    cores = os.cpu_count() or 1
    sys.stdout.write(
        f"{answers:,.0f} answers in {seconds:.1f} s, {answers / seconds:.0f} a second; "
        f"{busy:.0%} of {cores} cores busy, load {os.getloadavg()[0]:.1f}\n"
    )
    for name, spent in list(measured.items())[3:]:
        sys.stdout.write(f"{name:16} {1000 * spent / answers:6.2f} ms of CPU an answer\n")


def _judge(
    questions: int,
    before: Mapping[int, Any],
    answers: Mapping[int, Any],
    attempts: Mapping[int, int],
    calls: int,
) -> int:
    again = sum((tries - 1) * count for tries, count in attempts.items())
    kept = before.items() <= answers.items()
    stayed = "stayed as they were" if kept else "CHANGED"
    sys.stdout.write(
        f"{len(answers):,} of {questions:,} answered; the worker died after {len(before):,}, which {stayed}; "
        f"{again} asked again, {calls:,} calls of the vendor\n"
    )
    once = len(answers) == questions and again <= CONCURRENCY and calls <= questions + again
    return 0 if once and kept else 1


def _wait(condition: Callable[[], Any], *, within: float = 1800) -> None:
    deadline = time.monotonic() + within
    while not condition():
        if time.monotonic() > deadline:
            raise SystemExit(f"it did not happen within {within:.0f} s")
        time.sleep(0.25)


def _one(rows: "psycopg.Connection[Any]", query: str) -> int:
    found = rows.execute(query).fetchone()
    return int(found[0]) if found else 0


def _pairs(rows: "psycopg.Connection[Any]", query: str) -> dict[int, Any]:
    return dict(rows.execute(query).fetchall())


def _manage(own: Own, *words: str) -> None:
    command = [*map(str, MANAGE), *words]
    subprocess.run(command, cwd=ROOT, env=own.stack.env, check=True, stdout=subprocess.DEVNULL)


if __name__ == "__main__":
    sys.exit(main())
