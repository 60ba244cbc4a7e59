"""Runs in the hands of real workers, which die."""

import os
import signal
import subprocess
import sys
import time
from collections import Counter
from urllib.parse import urlsplit, urlunsplit

import pytest
from django.db import connection

from evals_app import services
from evals_app.models import EvalResult, EvalRun
from evals_app.tasks import hand_out
from gateway_app.testing.process import SimulatorProcess
from llmgateway import celery as queue


@pytest.fixture
def vendor_process():
    """A vendor that takes its time."""
    with SimulatorProcess() as running:
        running.control.fault("latency", ms=200, times=10_000)
        yield running


@pytest.fixture
def environment(transactional_db, vendor_process):
    """What a worker needs to see the test's own database and the vendor."""
    address = urlsplit(os.environ["DATABASE_URL"])
    name = f"/{connection.settings_dict['NAME']}"
    yield os.environ | {
        "DATABASE_URL": urlunsplit(address._replace(path=name)),
        "GEMINI_BASE_URL": vendor_process.url,
    }
    queue.app.control.purge()


@pytest.fixture
def worker(environment):
    started = []

    def start():
        command = ["celery", "-A", "llmgateway.celery", "worker", "--concurrency", "2", "--loglevel", "ERROR"]
        process = subprocess.Popen(
            [sys.executable, "-m", *command],
            env=environment,
            start_new_session=True,
            stdout=subprocess.DEVNULL,
        )
        started.append(process)
        return process

    yield start
    for process in started:
        kill(process)


def kill(process):
    """The worker and all its children, as a machine that loses its power would."""
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def wait_for(condition, *, within=60):
    for _ in range(round(within / 0.1)):
        if condition():
            return
        time.sleep(0.1)
    pytest.fail(f"it did not happen within {within} s")


def test_a_run_survives_its_worker_with_each_result_exactly_once(dataset, worker):
    dataset(60)
    run = services.start_run(dataset="echoes", versions=["v1", "v2"], concurrency=8, actor="ada")
    first = worker()
    hand_out(run.pk)
    wait_for(EvalResult.objects.filter(state="done").exists)
    kill(first)
    answered = {row.pk: row.finished_at for row in EvalResult.objects.filter(state="done")}
    assert 0 < len(answered) < 120
    # Nobody hands it out again: the next worker takes up what it finds.
    worker()
    wait_for(EvalRun.objects.filter(report__isnull=False).exists)
    run.refresh_from_db()
    results = list(run.results.all())
    assert (run.state, run.finished, run.failed) == ("done", 120, 0)
    assert answered.items() <= {row.pk: row.finished_at for row in results}.items()
    attempts = Counter(row.attempts for row in results)
    assert attempts[1] + attempts[2] == 120
    assert attempts[2] <= 8


@pytest.mark.slow
def test_ten_thousand_questions_are_answered_once_each(dataset, worker, vendor_process):
    vendor_process.control.clear_faults()
    dataset(10_000)
    run = services.start_run(dataset="echoes", versions=["v1"], concurrency=16, actor="ada")
    done = EvalResult.objects.filter(run=run, state="done")
    first = worker()
    hand_out(run.pk)
    wait_for(lambda: done.count() > 2000, within=600)
    kill(first)
    before = dict(done.values_list("pk", "finished_at"))
    worker()
    began = time.monotonic()
    wait_for(EvalRun.objects.filter(report__isnull=False).exists, within=1200)
    seconds = time.monotonic() - began
    run.refresh_from_db()
    attempts = Counter(run.results.values_list("attempts", flat=True))
    sys.stderr.write(f"{10_000 - len(before)} answers in {seconds:.0f} s; attempts {dict(attempts)}\n")
    assert (run.state, run.finished, run.failed, done.count()) == ("done", 10_000, 0, 10_000)
    assert before.items() <= dict(done.values_list("pk", "finished_at")).items()
    # Only what was open when the worker died was asked again.
    assert (attempts[1] + attempts[2], attempts[2] <= 16) == (10_000, True)
    assert vendor_process.control.stats().calls <= 10_000 + attempts[2]
