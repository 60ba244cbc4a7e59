"""Workers of one server share figures; only what dead servers left is cleared away."""

import os
import subprocess
import sys
from pathlib import Path

JOIN = """
import multiprocessing, os, sys
from gateway_app.metrics import sharing

def work(told, done):
    sharing.join()
    told.put(sharing.shared())
    done.wait()

if __name__ == "__main__":
    context = multiprocessing.get_context("spawn")
    told, done = context.Queue(), context.Event()
    workers = [context.Process(target=work, args=(told, done)) for _ in range(2)]
    for worker in workers:
        worker.start()
    print(*sorted({told.get() for _ in workers}), os.getpid(), flush=True)
    sys.stdin.read()
    done.set()
"""


def server(tmp_path: Path) -> "subprocess.Popen[str]":
    script = tmp_path / "server.py"
    script.write_text(JOIN)
    environment = {**os.environ, "TMPDIR": str(tmp_path), "PYTHONPATH": os.getcwd()}
    return subprocess.Popen(
        [sys.executable, script], env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )


def joined(process: "subprocess.Popen[str]") -> Path:
    """Where its workers put their figures, which is one place."""
    assert process.stdout
    directory, leader = process.stdout.readline().split()
    assert Path(directory).name == leader
    return Path(directory)


def test_the_workers_of_a_server_share_a_directory_and_another_servers_is_left_alone(tmp_path: Path) -> None:
    with server(tmp_path) as first, server(tmp_path) as second:
        directories = [joined(first), joined(second)]
        assert len(set(directories)) == 2
        for directory in directories:
            assert {file.name for file in directory.glob("*.lock")} == {"0.lock", "1.lock"}
        first.communicate()
        second.communicate()


def test_what_a_dead_server_left_is_cleared_away_by_the_next(tmp_path: Path) -> None:
    with server(tmp_path) as first:
        left = joined(first)
        first.communicate()
    assert left.exists()
    with server(tmp_path) as second:
        assert joined(second).exists()
        assert not left.exists()
        second.communicate()


def test_a_living_server_whose_workers_are_dead_keeps_its_figures(tmp_path: Path) -> None:
    base = tmp_path / f"llmgateway-metrics-{os.getuid()}"
    kept = base / str(os.getpid())
    kept.mkdir(parents=True)
    (kept / "0.lock").touch()
    with server(tmp_path) as other:
        joined(other)
        assert kept.exists()
        other.communicate()
