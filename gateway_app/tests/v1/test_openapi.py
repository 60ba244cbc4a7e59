"""OpenAI's addresses are documented beside our own."""

import httpx

from llmgateway.stack import Stack


def test_the_document_has_openais_addresses_and_all_that_they_refer_to(stack: Stack) -> None:
    reply = httpx.get(f"{stack.url}/schema/?format=json", timeout=20)
    document = reply.json()
    assert {"/v1/chat/completions", "/v1/models", "/v1/models/{model}"} <= set(document["paths"])
    referred = {piece.split('"')[0] for piece in reply.text.split("#/components/schemas/")[1:]}
    assert referred <= set(document["components"]["schemas"])
    fields = document["components"]["schemas"]["ChatCompletionRequest"]["properties"]
    assert {"messages", "variables", "reasoning_effort"} <= set(fields)
