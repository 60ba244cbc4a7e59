"""The README's examples work as they stand, and its tables say what the code says."""

import os
import re
import secrets
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import httpx
import pytest
import yaml
from django.core.management import load_command_class
from django.urls import resolve

from llmgateway import embedded, env
from llmgateway.stack import Stack

README = (env.ROOT / "README.md").read_text(encoding="utf-8")
ADDRESS = "127.0.0.1:8000"
PYTHON = ".venv/bin/python"
NODE = shutil.which("node")


@dataclass(frozen=True, kw_only=True)
class Example:
    """The blocks of one language under one heading, run as one."""

    heading: str
    language: str
    text: str

    def __str__(self) -> str:
        return f"{self.heading}, {self.language}"


SAYS: Mapping[tuple[str, str], tuple[str, ...]] = {
    ("With curl", "sh"): (
        '"cache_hit":false',
        '"prompt_name":"summarizer"',
        '\\"category\\": \\"billing\\"',
        "event: start",
        "event: end",
    ),
    ("With Python", "python"): ("The dam held", "v2", "'cache_hit': False"),
    ("With JavaScript, over a WebSocket", "js"): ("start {", "delta ", "end {"),
    ("With a key", "sh"): ('"finish_reason":"stop"',),
    ("With an OpenAI client", "python"): ("tide", "The dam held"),
    ("Over REST", "sh"): (
        '"status":"draft"',
        '"traffic_split":{"v2":90,"v3":10}',
        '"active_version":"v3"',
        "In one sentence:\\n\\nThe dam held.",
    ),
    ("From files", "sh"): ("summarizer/v1.yaml", "no difference", "nothing new"),
    ("Look at what happened", "sh"): (
        '"name":"helpful"',
        '"timeline":[',
        '"trouble":null',
        "day,prompt,prompt_version,calls,",
    ),
    ("Evaluate", "sh"): ("# summarizer #1", "## v2 against v1", "McNemar"),
}
"""What the output of each example holds, among other things."""


def examples() -> list[Example]:
    """Those that are there to be pasted; `console` and `text` are there to be read."""
    texts: dict[tuple[str, str], str] = {}
    heading = ""
    for match in re.finditer(
        r"^#+ ([^\n]+)$|^```(sh|python|js)\n(.*?)^```$", README, re.MULTILINE | re.DOTALL
    ):
        if match[1]:
            heading = match[1]
        else:
            place = heading, match[2]
            texts[place] = texts.get(place, "") + match[3]
    return [Example(heading=place[0], language=place[1], text=text) for place, text in texts.items()]


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """What `make run` starts: calls without a key are served."""
    directory = tmp_path_factory.mktemp("readme")
    redis = embedded.redis(directory / "redis", log=directory / "redis.log", persistent=False)
    address = urlsplit(os.environ["DATABASE_URL"])
    system = Stack(
        directory,
        environment={**os.environ, "GATEWAY_ALLOW_ANONYMOUS": "1"},
        database_url=urlunsplit(address._replace(path=f"/readme_{secrets.token_hex(4)}")),
        redis_url=redis.url,
        workers=1,
        chunk_delay=0.0,
    )
    redis.child.start()
    try:
        system.start()
        yield system
        system.stop()
    finally:
        redis.child.stop()


def command(language: str) -> list[str]:
    if language == "sh":
        return ["bash", "-euo", "pipefail", "-s"]
    if language == "python":
        return [sys.executable, "-"]
    if not NODE:
        pytest.skip("there is no node here")
    major = int(subprocess.check_output([NODE, "--version"], text=True).removeprefix("v").split(".")[0])
    if major < 20:
        pytest.skip(f"node {major} has no WebSocket")
    return [NODE, "--experimental-websocket", "-"] if major < 22 else [NODE, "-"]


@pytest.mark.parametrize("example", examples(), ids=str)
def test_an_example_works_as_it_stands(running: Stack, example: Example) -> None:
    text = example.text.replace(ADDRESS, urlsplit(running.url).netloc).replace(PYTHON, sys.executable)
    ran = subprocess.run(
        command(example.language),
        input=text,
        cwd=env.ROOT,
        env=running.env | {"KEY": running.key},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert ran.returncode == 0, ran.stderr
    for said in SAYS[example.heading, example.language]:
        assert said in ran.stdout
    assert '{"error":' not in ran.stdout


def test_every_expectation_has_its_example() -> None:
    assert {(example.heading, example.language) for example in examples()} == set(SAYS)


def test_every_address_is_named(running: Stack) -> None:
    document = httpx.get(f"{running.url}/schema/?format=json", timeout=20).json()
    addresses = [path.replace("{", "<").replace("}", ">") for path in document["paths"]]
    assert "/prompts/<name>/chat" in addresses
    assert [address for address in addresses if f"{address}`" not in README] == []


def test_the_table_of_the_environment_names_every_variable() -> None:
    assert sorted(defaults()) == sorted(env.names())


def test_the_table_of_the_environment_tells_the_defaults() -> None:
    least = {"DATABASE_URL": "postgresql://", "SECRET_KEY": "any"}
    read = env.read(least)
    for name, told in defaults().items():
        if name not in least and hasattr(read, name.lower()):
            assert (name, told) == (name, as_text(getattr(read, name.lower())))


def defaults() -> dict[str, str]:
    table = README.split("\n## Environment\n")[1].split("\n## ")[0]
    return dict(re.findall(r"^\| `(\w+)` \| `?(.*?)`? \|", table, re.MULTILINE))


def as_text(value: object) -> str:
    """A default as the table has it."""
    if isinstance(value, list):
        return ",".join(value) or "none"
    if isinstance(value, Path):
        return str(value.relative_to(env.ROOT))
    if isinstance(value, bool | float):
        return f"{value:g}"
    return str(value) or "none"


def test_every_file_that_is_named_is_there() -> None:
    named = re.findall(r"\]\(([^)#:]+)\)", README)
    assert "gateway_app/service.py" in named
    assert [path for path in named if not (env.ROOT / path).exists()] == []


def test_every_heading_that_is_linked_is_there() -> None:
    headings = re.findall(r"^#+ (.+)$", README, re.MULTILINE)
    anchors = {re.sub(r"[^\w -]", "", heading).lower().replace(" ", "-") for heading in headings}
    assert set(re.findall(r"\]\(#([^)]+)\)", README)) <= anchors


def workflow(name: str) -> Any:
    found = re.findall(r"^```yaml\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)
    [text] = [text for text in found if text.startswith(f"name: {name}\n")]
    return yaml.safe_load(text)


def test_the_workflow_that_evaluates_calls_the_command_with_options_that_it_has() -> None:
    said = workflow("evaluate")["jobs"]["evaluate"]["steps"][0]["run"]
    program, manage, *arguments = shlex.split(said)
    assert (program, manage) == (PYTHON, "manage.py")
    assert (
        load_command_class("evals_app", arguments[0])
        .create_parser(manage, "eval")
        .parse_args(arguments[1:])
        .gate
    )


def test_the_workflow_is_yaml_and_posts_to_an_address_that_is_there() -> None:
    address = workflow("prompts")["jobs"]["sync"]["env"]["FILES"]
    path = re.sub(r"\$\{\{.*?\}\}", "", address).partition("?")[0]
    assert hasattr(resolve(path).func.view_class, "post")  # type: ignore[attr-defined]
