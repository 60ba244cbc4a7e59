"""A folder where servers may run."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest


@pytest.fixture(scope="module")
def serving_path() -> Iterator[Path]:
    """Run as root, Postgres has a user of its own, and pytest keeps closing its folders to other users."""
    with tempfile.TemporaryDirectory(prefix="llmgateway-") as directory:
        yield Path(directory)
