"""A whole system for the length of a benchmark, on servers of its own."""

import os
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

from llmgateway import embedded, env
from llmgateway.env import ROOT
from llmgateway.parts import MANAGE
from llmgateway.stack import Stack

ENVIRONMENT = {env.ENV_FILES: os.devnull, "DEBUG": "1", "SECRET_KEY": "for-benchmarks-only-" + "x" * 50}
SCOPES = ("chat", "prompts:read", "prompts:write")


@contextmanager
def own_postgres(directory: Path) -> Iterator[embedded.Server]:
    server = embedded.postgres(directory / "postgres", log=directory / "postgres.log")
    server.child.start()
    try:
        yield server
    finally:
        server.child.stop()


@dataclass(frozen=True, slots=True, kw_only=True)
class Own:
    """A running stack and its servers."""

    stack: Stack
    postgres: embedded.Server
    redis: embedded.Server
    directory: Path


@contextmanager
def own_stack(*, workers: int) -> Iterator[Own]:
    with tempfile.TemporaryDirectory(prefix="llmgateway-") as name, own_postgres(Path(name)) as postgres:
        redis = embedded.redis(Path(name) / "redis", log=Path(name) / "redis.log", persistent=False)
        redis.child.start()
        stack = Stack(
            Path(name),
            environment={**os.environ, **ENVIRONMENT},
            database_url=with_database(postgres.url, "benchmark"),
            redis_url=redis.url,
            workers=workers,
            chunk_delay=0.0,
        )
        try:
            stack.start()
            yield Own(stack=stack, postgres=postgres, redis=redis, directory=Path(name))
        finally:
            stack.stop()
            redis.child.stop()


@contextmanager
def own_system(*, workers: int) -> Iterator[tuple[str, str]]:
    """The gateway's URL and a key that may change prompts."""
    with own_stack(workers=workers) as own:
        yield own.stack.url, _key(own.stack)


def with_database(url: str, name: str) -> str:
    return urlunsplit(urlsplit(url)._replace(path=f"/{name}"))


def _key(stack: Stack) -> str:
    command = [*map(str, MANAGE), "create_key", "--name", "benchmark", "--scopes", *SCOPES]
    made = subprocess.run(command, cwd=ROOT, env=stack.env, capture_output=True, text=True, check=True)
    return made.stdout.split()[-1]
