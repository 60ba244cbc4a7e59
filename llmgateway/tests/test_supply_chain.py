"""What production installs is what was chosen, file by file."""

import re
import site
from pathlib import Path

from packaging.version import Version

from llmgateway.env import ROOT

FLOORS = {"django": "5.2.14", "aiohttp": "3.13.3", "starlette": "0.49.1", "pyyaml": "5.4", "websockets": "13"}
"""Below these are known holes; `make audit` knows more, where it can ask."""


def pinned(name: str) -> dict[str, str]:
    """Package -> version of a requirements file."""
    found = re.findall(
        r"^([A-Za-z0-9_.-]+)(?:\[[^]]*\])?==([^\s;\\]+)", (ROOT / name).read_text(), re.MULTILINE
    )
    return {package.lower().replace("_", "-"): version for package, version in found}


def test_the_lock_holds_what_is_required() -> None:
    """`make lock` brings it up to date."""
    required, locked = pinned("requirements.txt"), pinned("requirements.lock")
    assert {package: locked.get(package) for package in required} == required


def test_every_line_of_the_lock_has_its_hashes() -> None:
    entries = re.split(r"\n(?=[a-z])", (ROOT / "requirements.lock").read_text())
    assert [entry.split()[0] for entry in entries if "==" in entry and "--hash=sha256:" not in entry] == []


def test_the_image_installs_the_lock_and_nothing_that_builds_itself() -> None:
    assert "--require-hashes --only-binary :all: -r requirements.lock" in (ROOT / "Dockerfile").read_text()


def test_every_requirement_is_pinned_and_says_why() -> None:
    for name in ("requirements.txt", "requirements-dev.txt", "requirements-audit.txt"):
        lines = [line for line in (ROOT / name).read_text().splitlines() if line and line[0] not in "#-"]
        assert [line for line in lines if "==" not in line] == []


def test_nothing_is_older_than_its_last_known_hole() -> None:
    locked = pinned("requirements.lock")
    assert {name for name, floor in FLOORS.items() if Version(locked[name]) < Version(floor)} == set()


def test_no_package_runs_code_at_every_start_of_python() -> None:
    """A `.pth` line that imports does; only the tools known to need one have it."""
    known = re.compile(r"distutils-precedence|_virtualenv|__editable__|coverage")
    files = [path for folder in site.getsitepackages() for path in Path(folder).glob("*.pth")]
    running = [path.name for path in files if re.search(r"^import\s", path.read_text(), re.MULTILINE)]
    assert [name for name in running if not known.search(name)] == []
