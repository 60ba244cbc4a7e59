"""Clients of OpenAI's, with nothing changed but the address and the key."""

from collections.abc import AsyncIterator, Iterator
from typing import Any

import httpx
import pytest
from openai import AsyncOpenAI, OpenAI

from gateway_app.testing.process import SimulatorControl
from llmgateway.stack import Stack

ADDRESS = "/chat/completions"
MODEL = "gemini-2.5-flash"


def tool(name: str, description: str) -> dict[str, Any]:
    """A function that takes a city."""
    city = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
    return {"type": "function", "function": {"name": name, "description": description, "parameters": city}}


WEATHER = tool("get_weather", "The weather in a city.")
TIME = tool("get_time", "The time in a city.")
BOTH = "Tell me the weather and the time in {}."
"""Makes the simulator call both."""


def user(text: str) -> dict[str, str]:
    return {"role": "user", "content": text}


def body(text: str, **fields: Any) -> dict[str, Any]:
    return {"model": MODEL, "messages": [user(text)]} | fields


@pytest.fixture
def client(stack: Stack) -> Iterator[OpenAI]:
    with OpenAI(base_url=f"{stack.url}/v1", api_key=stack.key, max_retries=0, timeout=20) as opened:
        yield opened


@pytest.fixture
async def async_client(stack: Stack) -> AsyncIterator[AsyncOpenAI]:
    async with AsyncOpenAI(
        base_url=f"{stack.url}/v1", api_key=stack.key, max_retries=0, timeout=20
    ) as opened:
        yield opened


@pytest.fixture
def wire(stack: Stack) -> Iterator[httpx.Client]:
    """For what a client library would hide."""
    headers = {"Authorization": f"Bearer {stack.key}"}
    with httpx.Client(base_url=f"{stack.url}/v1", headers=headers, timeout=20) as opened:
        yield opened


@pytest.fixture
def vendor(stack: Stack) -> Iterator[SimulatorControl]:
    control = SimulatorControl(stack.simulator_url)
    yield control
    control.clear_faults()
