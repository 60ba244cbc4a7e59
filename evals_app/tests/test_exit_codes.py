"""`manage.py eval --gate` as a build server runs it: a process of its own, whose exit code is the verdict."""

import os
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import pytest
from django.conf import settings as project
from django.db import connection
from junitparser import JUnitXml

from gateway_app.testing.process import SimulatorProcess

MANAGE = Path(project.BASE_DIR) / "manage.py"


@pytest.fixture
def evaluate(transactional_db, tmp_path):
    """Runs the command on the test's own database: `evaluate("v1", "v2")` gives what the shell gets."""
    address = urlsplit(os.environ["DATABASE_URL"])
    path = f"/{connection.settings_dict['NAME']}"
    with SimulatorProcess() as vendor:
        environment = os.environ | {
            "DATABASE_URL": urlunsplit(address._replace(path=path)),
            "GEMINI_BASE_URL": vendor.url,
            "GEMINI_API_KEY": "for-tests",
        }

        def run(*versions, **options):
            extra = [text for name, value in options.items() for text in (f"--{name}", str(value))]
            command = [sys.executable, MANAGE, "eval", "echoes", "--versions", *versions, "--gate", *extra]
            return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120)

        yield run


LONG = [{"kind": "length", "at_most": 1}]
CODES = [
    (0, {"count": 60}, ("v1", "v2")),
    (1, {"count": 2}, ("v1", "v9")),
    # v2 says the text twice, and so more than it may.
    (2, {"count": 20, "evaluators": LONG}, ("v1", "v2")),
    (3, {"count": 3}, ("v1", "v2")),
]


@pytest.mark.parametrize(("code", "size", "versions"), CODES)
def test_the_exit_code_is_the_verdict(dataset, evaluate, tmp_path, code, size, versions):
    dataset(**size)
    report = tmp_path / "report.xml"
    left = evaluate(*versions, junit=report)
    assert left.returncode == code, left.stderr
    if code != 1:
        # What build servers read it with agrees on what is in it.
        read = JUnitXml.fromfile(str(report))
        read.update_statistics()
        assert (read.tests, read.failures > 0, read.skipped) == (2 * size["count"] + 1, code == 2, code == 3)
