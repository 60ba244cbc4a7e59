"""A whole system that nobody else uses, for what would be in others' way."""

import json
import os
import secrets
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import pytest

from llmgateway.env import ROOT
from llmgateway.stack import Stack
from llmgateway.test_services import REDIS_OF_A_SECOND_STACK

ALL = "all"
MAKE_KEYS = f"""
import json
from gateway_app.access import SCOPES, create_key
wanted = {{"{ALL}": SCOPES}} | {{scope: [scope] for scope in SCOPES}}
made = {{name: str(create_key(project="keys", name=name, scopes=wanted[name])) for name in wanted}}
print(json.dumps(made))
"""


def another(url: str, path: str) -> str:
    return urlunsplit(urlsplit(url)._replace(path=f"/{path}"))


@pytest.fixture(scope="package")
def own_stack() -> Iterator[Stack]:
    with tempfile.TemporaryDirectory(prefix="llmgateway-") as directory:
        system = Stack(
            Path(directory),
            environment=dict(os.environ),
            database_url=another(os.environ["DATABASE_URL"], f"stack_{secrets.token_hex(4)}"),
            redis_url=another(os.environ["REDIS_URL"], REDIS_OF_A_SECOND_STACK),
            workers=1,
            chunk_delay=0,
        )
        system.start()
        yield system
        system.stop()


@pytest.fixture(scope="package")
def keys(own_stack: Stack) -> dict[str, str]:
    """For each scope a key that has it alone, and one that has all."""
    done = subprocess.run(
        [sys.executable, "manage.py", "shell", "--verbosity", "0", "-c", MAKE_KEYS],
        env=own_stack.env, cwd=ROOT, capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    time.sleep(1.5)  # by then every worker knows them
    made: dict[str, str] = json.loads(done.stdout.strip().splitlines()[-1])
    return made


@pytest.fixture(scope="package")
def mighty(keys: dict[str, str]) -> dict[str, str]:
    """The header of the key that has every scope."""
    return {"Authorization": f"Bearer {keys[ALL]}"}
