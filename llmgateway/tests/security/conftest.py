"""A whole system that nobody else uses, for what would be in others' way."""

import os
import secrets
import tempfile
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import pytest

from llmgateway.stack import Stack


def another(url: str, path: str) -> str:
    return urlunsplit(urlsplit(url)._replace(path=f"/{path}"))


@pytest.fixture(scope="package")
def own_stack() -> Iterator[Stack]:
    with tempfile.TemporaryDirectory(prefix="llmgateway-") as directory:
        system = Stack(
            Path(directory),
            environment=dict(os.environ),
            database_url=another(os.environ["DATABASE_URL"], f"stack_{secrets.token_hex(4)}"),
            redis_url=another(os.environ["REDIS_URL"], "4"),
            workers=1,
            chunk_delay=0,
        )
        system.start()
        yield system
        system.stop()
