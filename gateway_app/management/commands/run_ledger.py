"""manage.py run_ledger: the process that moves finished calls from Redis into Postgres and sums them up."""

import os
import signal
import socket
import threading
import time
from typing import Any

import redis
from django.core.management.base import BaseCommand

from gateway_app import conf
from gateway_app.ledger_worker import LedgerWorker
from gateway_app.rollup_worker import roll_up
from gateway_app.tracing.exporting import Exporting

STOP_WITHIN = 3.0
"""Seconds for a round of sums to end; one that is cut off leaves its notes and is done again."""


class Command(BaseCommand):
    help = "Moves finished calls from the Redis Stream into Postgres until it is told to stop."

    def handle(self, *args: Any, **options: Any) -> None:
        stopping: list[int] = []
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda received, _: stopping.append(received))
        url = conf.gateway().redis_url
        client = redis.Redis.from_url(url, socket_timeout=5, socket_connect_timeout=2)
        name = f"{socket.gethostname()}-{os.getpid()}"
        sums = threading.Thread(target=roll_up, args=(lambda: not stopping,), name="rollups", daemon=True)
        sums.start()
        with Exporting(conf.tracers(), redis_url=url) as traces:
            LedgerWorker(client, name=name, keep_going=lambda: not stopping, written=traces.offer).run()
            deadline = time.monotonic() + STOP_WITHIN
        sums.join(timeout=max(0.0, deadline - time.monotonic()))
