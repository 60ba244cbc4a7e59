"""uvicorn's supervisor, which also notices a worker that dies while it is being asked whether it lives.

Its own waits for the answer of the dead until `timeout_worker_healthcheck`, and replaces nobody meanwhile.
"""

from multiprocessing.connection import wait

from uvicorn.supervisors import multiprocess


class Worker(multiprocess.Process):
    def _healthcheck(self, timeout: float) -> bool | None:
        try:
            self.parent_conn.send(b"ping")
            if self.parent_conn not in wait([self.parent_conn, self.process.sentinel], timeout):
                return None
            return bool(self.parent_conn.recv())
        except (OSError, EOFError):
            return None


class Workers(multiprocess.Multiprocess):
    """Of one address."""

    def run(self) -> None:
        multiprocess.Process = Worker  # type: ignore[misc]  # it has no other way to be given one
        super().run()
