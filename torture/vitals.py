"""What the gateway's workers hold: memory, file handles, connections, threads, tasks; and what they log."""

import urllib.request
from contextlib import suppress
from dataclasses import dataclass

import psutil

from torture.system import METRICS_TOKEN, System


@dataclass(frozen=True, slots=True, kw_only=True)
class Vitals:
    """Of all workers together."""

    rss: int
    """Bytes."""
    files: int
    connections: int
    threads: int
    tasks: int
    log: int
    """Bytes written since the gateway started."""

    def __str__(self) -> str:
        held = (
            f"{self.files} files, {self.connections} connections, {self.threads} threads, {self.tasks} tasks"
        )
        return f"{self.rss / 1e6:.0f} MB, {held}"


def vitals(system: System) -> Vitals:
    rss = files = connections = threads = 0
    for worker in system.workers():
        with suppress(psutil.Error):
            rss += worker.memory_info().rss
            files += worker.num_fds()
            connections += len(worker.net_connections("inet"))
            threads += worker.num_threads()
    return Vitals(
        rss=rss,
        files=files,
        connections=connections,
        threads=threads,
        tasks=tasks(system),
        log=system.stack.log_path.stat().st_size,
    )


def tasks(system: System) -> int:
    """Of the workers' event loops, as they tell `/metrics` every second."""
    return int(metric(system, "gateway_event_loop_tasks"))


def metric(system: System, name: str) -> float:
    """The sum over all labels; 0 where the gateway does not tell."""
    try:
        request = urllib.request.Request(  # noqa: S310
            f"{system.stack.url}/metrics", headers={"Authorization": f"Bearer {METRICS_TOKEN}"}
        )
        with urllib.request.urlopen(request, timeout=5) as reply:  # noqa: S310
            lines = reply.read().decode().splitlines()
    except OSError:
        return 0.0
    return sum(float(line.rsplit(" ", 1)[1]) for line in lines if line.split("{")[0].split(" ")[0] == name)


def tracebacks(system: System) -> int:
    """How many lines of the gateway's log tell of an exception that nobody foresaw."""
    lines = system.stack.log_path.read_text(errors="replace").splitlines()
    return sum("Traceback" in line or '"exception"' in line for line in lines)
