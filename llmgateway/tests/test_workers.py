"""The supervisor and workers that die."""

import os
import signal
import threading
import time

import uvicorn

from llmgateway.workers import Worker


class Mute(Worker):
    """Lives, and never says so."""

    def target(self, sockets: object = None) -> None:
        time.sleep(60)


def test_a_worker_that_dies_while_it_is_asked_is_not_waited_for() -> None:
    worker = Mute(uvicorn.Config("llmgateway.asgi:application"), [])
    worker.start()
    assert worker.pid
    threading.Timer(0.5, os.kill, (worker.pid, signal.SIGKILL)).start()
    began = time.monotonic()
    assert not worker.is_alive(timeout=30)
    assert time.monotonic() - began < 15
    worker.join()
