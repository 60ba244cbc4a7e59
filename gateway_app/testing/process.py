"""The simulator as a process of its own, and a client for its controls."""

import json
import selectors
import subprocess
import sys
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.request import Request, urlopen

import msgspec

from gateway_app.testing.counters import Stats
from gateway_app.testing.request_log import Received

_ROOT = Path(__file__).resolve().parents[2]
_TIMEOUT = 10.0
"""Seconds for the start, for the end, and for a control call."""


class SimulatorControl:
    """The verbs of a simulator at `url`, blocking; from a coroutine, use `asyncio.to_thread`.

    Raises `urllib.error.HTTPError` 400 for a fault that does not exist.
    """

    def __init__(self, url: str) -> None:
        self.url = url

    def fault(self, kind: str, *, times: int = 1, **options: Any) -> None:
        """Lets the next `times` calls suffer `kind`; `options` are the fields of `faults.Fault`."""
        self._call("POST", "faults", {"fault": kind, "times": times, **options})

    def clear_faults(self) -> None:
        self._call("DELETE", "faults")

    def stats(self) -> Stats:
        return msgspec.json.decode(self._call("GET", "stats"), type=Stats)

    def reset_stats(self) -> None:
        self._call("DELETE", "stats")

    def requests(self, limit: int = 200) -> list[Received]:
        """The last requests, the newest last."""
        return msgspec.json.decode(self._call("GET", f"requests?limit={limit}"), type=list[Received])

    def _call(self, method: str, path: str, value: object = None) -> bytes:
        data = None if value is None else json.dumps(value).encode()
        request = Request(f"{self.url}/_sim/{path}", data=data, method=method)  # noqa: S310
        with urlopen(request, timeout=_TIMEOUT) as answer:  # noqa: S310
            body: bytes = answer.read()
            return body


class SimulatorProcess:
    """Runs within `with`, on a free port. Raises `RuntimeError` on entering where it does not start."""

    url: str
    control: SimulatorControl

    def __init__(self, *, chunk_delay_ms: float = 0) -> None:
        self._options = ["--port", "0", "--chunk-delay-ms", str(chunk_delay_ms), "--announce"]

    def start(self) -> Self:
        command = [sys.executable, "-m", "gateway_app.testing.simulator", *self._options]
        self._process = subprocess.Popen(command, cwd=_ROOT, stdout=subprocess.PIPE, text=True)  # noqa: S603
        try:
            self.url = self._announced()
        except RuntimeError:
            self.stop()
            raise
        self.control = SimulatorControl(self.url)
        return self

    def stop(self) -> None:
        self._process.terminate()
        try:
            self._process.wait(_TIMEOUT)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        if self._process.stdout:
            self._process.stdout.close()

    def _announced(self) -> str:
        output = self._process.stdout
        with selectors.DefaultSelector() as selector:
            selector.register(output, selectors.EVENT_READ)  # type: ignore[arg-type]
            line = output.readline() if output and selector.select(_TIMEOUT) else ""
        if not line.startswith("listening on "):
            raise RuntimeError(f"the simulator did not start within {_TIMEOUT:g} s")
        return line.removeprefix("listening on ").strip()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
