"""The whole system on a database of its own, in processes of its own: what end-to-end tests talk to."""

import json
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
from psycopg import sql

from llmgateway import parts
from llmgateway.ports import LOOPBACK, free_port
from llmgateway.processes import ProcessFailed


class Stack:
    """Simulator, gateway and ledger worker over `database_url`, which is created, and `redis_url`.

    `start()` returns when the gateway is ready, `stop()` leaves no process and no database behind.
    """

    admin: tuple[str, str]
    """Name and password of a superuser."""
    key: str
    """An API key."""

    def __init__(
        self,
        directory: Path,
        *,
        environment: Mapping[str, str],
        database_url: str,
        redis_url: str,
        workers: int = 2,
        chunk_delay: float = 0.05,
        routes: Mapping[str, str] | None = None,
    ) -> None:
        """`routes`: variables that lead the system's parts to their servers another way, through a proxy."""
        port, simulator_port = free_port(), free_port()
        self.url = f"http://{LOOPBACK}:{port}"
        self.ws_url = f"ws://{LOOPBACK}:{port}"
        self.simulator_url = f"http://{LOOPBACK}:{simulator_port}"
        self.database_url = database_url
        self.redis_url = redis_url
        self.log_path = directory / "gateway.log"
        self.env = {
            **environment,
            "DATABASE_URL": database_url,
            "REDIS_URL": redis_url,
            "GEMINI_BASE_URL": self.simulator_url,
            "GEMINI_API_KEY": "simulated",
            "WEB_WORKERS": str(workers),
            **(routes or {}),
        }
        self._bootstrap = parts.bootstrap(self.env, "--json", log=directory / "bootstrap.log")
        self._children = {
            "simulator": parts.simulator(
                self.env, port=simulator_port, log=directory / "simulator.log", chunk_delay=chunk_delay
            ),
            "gateway": parts.gateway(self.env, port=port, log=self.log_path),
            "ledger": parts.ledger(self.env, log=directory / "ledger.log"),
        }

    def start(self) -> None:
        """Raises `ProcessFailed` with the end of the log of the part that did not come up."""
        try:
            self._create_database()
            self._children["simulator"].launch()
            self._seed()
            self._children["ledger"].launch()
            self._children["gateway"].launch()
            for child in self._children.values():
                child.wait_ready()
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        for name in ("gateway", "ledger", "simulator"):
            self._children[name].stop()
        self._bootstrap.stop()
        with self._maintenance() as connection:
            connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(self._database))

    def restart(self, name: str) -> None:
        """Stops `gateway`, `ledger` or `simulator` as an operator would, and starts it again."""
        self._children[name].stop()
        self._children[name].start()

    def restart_gateway(self) -> None:
        self.restart("gateway")

    def stop_part(self, name: str) -> None:
        """As an operator would; `restart` brings it back."""
        self._children[name].stop()

    def kill(self, name: str) -> None:
        """SIGKILL to the part and to its workers; `restart` brings it back."""
        self._children[name].kill()

    def pid(self, name: str) -> int:
        """Of a running part."""
        found = self._children[name].pid
        assert found is not None, f"{name} was never started"
        return found

    def launch(self, name: str) -> None:
        """Starts a part that was killed, without waiting until it is ready."""
        self._children[name].launch()

    def log_lines(self) -> list[str]:
        """What the gateway has logged since it was last started."""
        return self._children["gateway"].output().splitlines()

    def _seed(self) -> None:
        self._bootstrap.launch()
        if self._bootstrap.wait(timeout=60) != 0:
            raise ProcessFailed(f"bootstrap failed:\n{self._bootstrap.output()}")
        made = json.loads(self._bootstrap.output().strip().splitlines()[-1])
        self.admin = (made["username"], made["password"])
        self.key = made["key"]

    def _create_database(self) -> None:
        with self._maintenance() as connection:
            connection.execute(sql.SQL("CREATE DATABASE {}").format(self._database))

    @property
    def _database(self) -> sql.Identifier:
        return sql.Identifier(urlsplit(self.database_url).path.lstrip("/"))

    def _maintenance(self) -> "psycopg.Connection[tuple[object, ...]]":
        return psycopg.connect(self.database_url, dbname="postgres", autocommit=True, connect_timeout=5)
