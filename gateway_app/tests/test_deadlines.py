"""Whatever a vendor does, a call ends within its deadline and a second, and never as if it were whole."""

import asyncio
import time
from collections.abc import Iterator
from itertools import product
from typing import Any

import httpx
import pytest

from llmgateway import parts
from llmgateway.ports import LOOPBACK, free_port
from llmgateway.stack import Stack

DEADLINE = 3
MODELS = ("gemini-2.5-flash", "gpt-4.1-mini", "claude-haiku-4-5")
FAULTS = (
    "latency ms=60000",
    "hang",
    "stall after=6",
    "drip ms=200",
    "cut after=6",
    "reset after=6",
    "malformed after=6",
    "error_event after=6",
    "no_finish",
    "empty",
)


@pytest.fixture(scope="module")
def address(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Of a gateway whose only deadline is the total one."""
    environment = stack.env | {
        "OPENAI_BASE_URL": f"{stack.simulator_url}/v1",
        "OPENAI_API_KEY": "simulated",
        "ANTHROPIC_BASE_URL": stack.simulator_url,
        "ANTHROPIC_API_KEY": "simulated",
        "REQUEST_TIMEOUT": str(DEADLINE),
    }
    port = free_port()
    gateway = parts.gateway(environment, port=port, log=tmp_path_factory.mktemp("deadlines") / "gateway.log")
    gateway.start()
    yield f"http://{LOOPBACK}:{port}"
    gateway.stop()


def asked(path: str, model: str, fault: str) -> dict[str, Any]:
    text = f"Tell me of the sea and its ships. [[fault:{fault}]]"
    if path.startswith("/v1"):
        return {"model": model, "messages": [{"role": "user", "content": text}], "stream": True}
    return {"model": model, "prompt": text}


@pytest.mark.parametrize("path", ["/chat", "/chat/stream", "/v1/chat/completions"])
async def test_every_fault_of_every_vendor_ends_in_an_error_in_time(
    stack: Stack, address: str, path: str
) -> None:
    headers = {"Authorization": f"Bearer {stack.key}", "Accept": "text/event-stream, application/json"}

    async def wrong(client: httpx.AsyncClient, model: str, fault: str) -> str | None:
        """What is not as promised."""
        began = time.perf_counter()
        answer = await client.post(path, json=asked(path, model, fault))
        seconds = time.perf_counter() - began
        if seconds > DEADLINE + 1:
            return f"{model}, {fault}: {seconds:.1f} s"
        told = answer.status_code in (502, 503, 504) or '"error":{' in answer.text
        clean = "[DONE]" in answer.text or "event: end" in answer.text
        return None if told and not clean else f"{model}, {fault}: {answer.status_code} {answer.text[-300:]}"

    async with httpx.AsyncClient(base_url=address, headers=headers, timeout=20) as client:
        await client.post("/chat", json={"prompt": "Warm up."})
        found = await asyncio.gather(*(wrong(client, *case) for case in product(MODELS, FAULTS)))
    assert [problem for problem in found if problem] == []
