"""The official JavaScript client, with only its base URL changed."""

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from llmgateway.env import ROOT
from llmgateway.stack import Stack

PACKAGE = "openai@7.57.0"
FOLDER = ROOT / "var" / "npm"
"""Kept from run to run, outside of version control."""


@pytest.fixture(scope="module")
def package() -> Path:
    """The folder that has the client installed."""
    npm = shutil.which("npm")
    if not npm or not shutil.which("node"):
        pytest.skip("there is no node and npm here")
    if not _installed():
        shutil.rmtree(FOLDER, ignore_errors=True)
        FOLDER.mkdir(parents=True)
        command = [npm, "install", "--no-audit", "--no-fund", "--prefix", str(FOLDER), PACKAGE]
        try:
            subprocess.run(command, check=True, capture_output=True, timeout=60)
        except subprocess.SubprocessError as exc:
            pytest.skip(f"npm could not install {PACKAGE}: {exc}")
    return FOLDER


def _installed() -> bool:
    """And whole: an install that was interrupted leaves a folder behind."""
    client = FOLDER / "node_modules" / "openai"
    script = "require(process.argv[1]) && require(process.argv[1] + '/package.json').version"
    told = subprocess.run(["node", "-p", script, client], capture_output=True, text=True, timeout=60)
    return told.returncode == 0 and f"openai@{told.stdout.strip()}" == PACKAGE


@pytest.fixture(scope="module")
def seen(package: Path, stack: Stack) -> dict[str, Any]:
    """What the client saw of the gateway."""
    script = Path(__file__).parent / "openai_client.mjs"
    command = ["node", str(script), str(package), f"{stack.url}/v1", stack.key]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert ran.returncode == 0, ran.stderr
    found: dict[str, Any] = json.loads(ran.stdout)
    return found


def test_it_gets_a_whole_reply(seen: dict[str, Any]) -> None:
    assert seen["whole"]


def test_it_gets_a_stream_with_its_usage(seen: dict[str, Any]) -> None:
    assert seen["text"]
    assert seen["usage"]["total_tokens"] > 0


def test_it_puts_a_streamed_tool_call_together(seen: dict[str, Any]) -> None:
    assert seen["call"]["name"] == "get_weather"
    assert json.loads(seen["call"]["arguments"]) == {"city": "Quito"}


def test_it_lists_models_and_prompts(seen: dict[str, Any]) -> None:
    assert {"gemini-2.5-flash", "prompt:summarizer"} <= set(seen["models"])


def test_it_throws_its_own_errors(seen: dict[str, Any]) -> None:
    assert seen["refused"] == {"name": "BadRequestError", "code": "unsupported_parameter", "status": 400}
    assert seen["broken"]["code"] == "provider_bad_reply"
