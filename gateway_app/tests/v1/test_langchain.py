"""LangChain's OpenAI client, with only its base URL changed."""

from collections.abc import AsyncIterator

import httpx
import pytest
from langchain_core.messages import AIMessageChunk, HumanMessage, ToolMessage
from langchain_core.tools import tool
from langchain_openai import ChatOpenAI
from pydantic import BaseModel, SecretStr

from gateway_app.tests.v1.conftest import MODEL
from llmgateway.stack import Stack


class Ticket(BaseModel):
    """A problem that somebody has."""

    title: str
    urgent: bool


@tool
def get_weather(city: str) -> str:
    """The weather in a city."""
    return f"sunny in {city}"


@pytest.fixture
async def chat(stack: Stack) -> AsyncIterator[ChatOpenAI]:
    with httpx.Client() as client:
        async with httpx.AsyncClient() as async_client:
            yield ChatOpenAI(
                model=MODEL,
                base_url=f"{stack.url}/v1",
                api_key=SecretStr(stack.key),
                max_retries=0,
                timeout=20,
                # LangChain's own would stay open.
                http_client=client,
                http_async_client=async_client,
            )


def test_invoke(chat: ChatOpenAI) -> None:
    reply = chat.invoke("Who painted The Night Watch?")
    assert reply.content
    assert reply.usage_metadata
    assert reply.usage_metadata["total_tokens"] > 0


async def test_stream(chat: ChatOpenAI) -> None:
    chunks = [chunk async for chunk in chat.astream("What is a lagoon?")]
    assert len([chunk for chunk in chunks if chunk.content]) > 2
    whole = chunks[0]
    for chunk in chunks[1:]:
        whole += chunk
    assert isinstance(whole, AIMessageChunk)
    assert whole.response_metadata["finish_reason"] == "stop"


def test_a_tool_loop(chat: ChatOpenAI) -> None:
    bound = chat.bind_tools([get_weather])
    question = HumanMessage("What is the weather in Cairo?")
    asking = bound.invoke([question])
    (call,) = asking.tool_calls
    assert call["args"] == {"city": "Cairo"}
    result = ToolMessage(get_weather.invoke(call["args"]), tool_call_id=call["id"])
    assert "sunny in Cairo" in bound.invoke([question, asking, result]).content


@pytest.mark.parametrize("method", ["json_schema", "function_calling"])
def test_structured_output(chat: ChatOpenAI, method: str) -> None:
    structured = chat.with_structured_output(Ticket, method=method)
    assert isinstance(structured.invoke("File this ticket: the printer burns."), Ticket)
