"""Child processes: one way to start them, to wait until they are ready and to stop them."""

import ctypes
import os
import signal
import subprocess
import sys
import threading
import time
import warnings
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import KW_ONLY, dataclass, field
from pathlib import Path

from llmgateway import leftovers

POLL = 0.02
"""Seconds between two looks at something awaited."""
LOG_LIMIT = 10 * 1024 * 1024
"""Bytes; a longer log is started anew, its predecessor kept as `.old`."""


class ProcessFailed(Exception):
    """A child did not come up, or went away; the message names it and shows the end of its log."""


@dataclass
class Child:
    """A process in a session of its own, so that a terminal's Ctrl-C reaches only us."""

    name: str
    command: Sequence[str | Path]
    _: KW_ONLY
    environment: Mapping[str, str] | None = None
    """None means ours."""
    log: Path | None = None
    """Where its output goes, appended; None means where ours goes."""
    user: str | None = None
    ready: Callable[[], bool] = lambda: True
    ready_within: float = 30.0
    """Seconds."""
    stop_signal: signal.Signals = signal.SIGTERM
    grace: float = 15.0
    """Seconds between the stop signal and SIGKILL."""
    record: Path | None = None
    """A file that names the running process, for whoever comes after us if we are killed."""
    _process: subprocess.Popen[bytes] | None = field(default=None, init=False, repr=False)
    _log_start: int = field(default=0, init=False, repr=False)

    def start(self) -> None:
        """Returns when the process is ready. Raises `ProcessFailed`, with nothing left running."""
        self.launch()
        self.wait_ready()

    def launch(self) -> None:
        """Starts the process without waiting for it."""
        output = self._open_log()
        try:
            self._process = self._popen(output)
        except OSError as error:
            raise ProcessFailed(f"{self.name} cannot be started: {error}") from error
        finally:
            if output:
                os.close(output)
        if self.record:
            leftovers.note(
                self.record,
                pid=self._process.pid,
                name=self.name,
                stop_signal=self.stop_signal,
                grace=self.grace,
            )

    def wait_ready(self) -> None:
        deadline = time.monotonic() + self.ready_within
        while not self.ready():
            if not self.running:
                raise ProcessFailed(
                    f"{self.name} ended with code {self.exit_code} at its start{self._tail()}"
                )
            if time.monotonic() > deadline:
                self.stop()
                raise ProcessFailed(f"{self.name} was not ready in {self.ready_within:.0f} s{self._tail()}")
            time.sleep(POLL)

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process else None

    @property
    def exit_code(self) -> int | None:
        return self._process.poll() if self._process else None

    def wait(self, timeout: float) -> int:
        """The exit code. Raises `ProcessFailed` (and kills) after `timeout` seconds."""
        if self._process is None:
            raise ProcessFailed(f"{self.name} was never started")
        try:
            return self._process.wait(timeout)
        except subprocess.TimeoutExpired:
            self.kill()
            raise ProcessFailed(f"{self.name} took more than {timeout:.0f} s{self._tail()}") from None

    def stop(self) -> None:
        """Asks, waits for `grace`, then kills. Nothing happens where nothing runs."""
        if self._process is not None and self.running:
            self._process.send_signal(self.stop_signal)
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(self.grace)
        self.kill()

    def kill(self) -> None:
        """Kills whatever is left of the process and of its own children."""
        if self._process is None:
            return
        kill_group(self._process.pid)
        self._process.wait()
        if self.record:
            self.record.unlink(missing_ok=True)

    def output(self) -> str:
        """What this start of the process has written to its log."""
        if self.log is None or not self.log.exists():
            return ""
        with self.log.open("rb") as file:
            file.seek(self._log_start)
            return file.read().decode(errors="replace")

    def _popen(self, output: int | None) -> subprocess.Popen[bytes]:
        with warnings.catch_warnings():
            # Python 3.12 warns of any `preexec_fn` where there are threads; ours is one system call.
            warnings.simplefilter("ignore", DeprecationWarning)
            return subprocess.Popen(  # noqa: S603
                [str(part) for part in self.command],
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT if output else None,
                user=self.user,
                start_new_session=True,
                preexec_fn=self._die_with_parent(),
            )

    def _tail(self) -> str:
        lines = self.output().strip().splitlines()[-15:]
        return "".join(f"\n  {line}" for line in lines)

    def _open_log(self) -> int | None:
        if self.log is None:
            return None
        if self.log.exists() and self.log.stat().st_size > LOG_LIMIT:
            self.log.replace(self.log.with_suffix(".old"))
        self.log.parent.mkdir(parents=True, exist_ok=True)
        output = os.open(self.log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        self._log_start = os.fstat(output).st_size
        return output

    def _die_with_parent(self) -> Callable[[], None] | None:
        # The kernel ties this to the thread that started the child, so a passing thread must not ask for it.
        if sys.platform != "linux" or threading.current_thread() is not threading.main_thread():
            return None
        libc, pr_set_pdeathsig, number = ctypes.CDLL(None), 1, int(self.stop_signal)
        return lambda: libc.prctl(pr_set_pdeathsig, number)


def kill_group(leader: int) -> None:
    """SIGKILL to a child and to all that it started itself."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(leader, signal.SIGKILL)
