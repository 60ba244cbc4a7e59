"""`GET /v1/models`."""

import httpx
import pytest
from openai import NotFoundError, OpenAI

from gateway_app.tests.v1.conftest import MODEL


def test_models_and_live_prompts_are_listed(client: OpenAI) -> None:
    models = {model.id: model for model in client.models.list()}
    assert models[MODEL].owned_by == "gemini"
    assert models["prompt:summarizer"].owned_by == "prompts"
    assert models["prompt:summarizer"].created > 0


@pytest.mark.parametrize("model", [MODEL, "gemini-of-tomorrow", "prompt:summarizer", "prompt:summarizer@v2"])
def test_what_can_be_called_can_be_looked_up(client: OpenAI, model: str) -> None:
    found = client.models.retrieve(model)
    assert (found.id, found.object) == (model, "model")


@pytest.mark.parametrize(
    "model", ["nobodys-model", "prompt:nobody", "prompt:summarizer@v99", "gemini-a/../b"]
)
def test_what_cannot_be_called_is_not_there(client: OpenAI, model: str) -> None:
    with pytest.raises(NotFoundError) as caught:
        client.models.retrieve(model)
    assert caught.value.code == "model_not_found"


def test_models_are_for_those_with_a_key(wire: httpx.Client) -> None:
    assert wire.get("/models", headers={"Authorization": ""}).status_code == 401
    assert wire.post("/models").status_code == 405
