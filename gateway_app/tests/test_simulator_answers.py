"""What the simulator answers: it follows from the prompt, and looks like an answer."""

import json
from typing import Any

import jsonschema
import pytest

from gateway_app.testing.answers.answer import Answer, Call
from gateway_app.testing.answers.answering import answer
from gateway_app.testing.answers.embeddings import embed
from gateway_app.testing.answers.sentences import sentences
from gateway_app.testing.answers.structured import fill
from gateway_app.testing.wire.catalogue import MODELS
from gateway_app.testing.wire.requests import GenerateRequest, read

COAST = """\
The lighthouse at Creac'h was lit in 1863 and guides ships around the island. Its lamp is one of the strongest
lamps of Europe, and ships see it from sixty kilometres away. Seagulls do not care. The lighthouse has been
automatic for years, so no keeper of the lamp lives on the island. Mr. Malgorn, the last keeper, still tells
visitors how ships were saved by the lamp."""
TICKET = "I was charged twice for my subscription and want a refund immediately!"
WEATHER = {
    "name": "get_weather",
    "description": "Get the weather in a city",
    "parameters": {"type": "OBJECT", "properties": {"city": {"type": "STRING"}}, "required": ["city"]},
}


def asked(
    *turns: str, system: str = "", model: str = "gemini-2.5-flash", tools: Any = (), **config: Any
) -> Answer:
    """The answer to `turns`, which the user and the model take in turn."""
    body: dict[str, Any] = {
        "contents": [
            {"role": "model" if number % 2 else "user", "parts": [{"text": turn}]}
            for number, turn in enumerate(turns)
        ],
        "generationConfig": config,
        "tools": [{"functionDeclarations": list(tools)}] if tools else [],
    }
    if system:
        body["systemInstruction"] = {"parts": [{"text": system}]}
    return answer(read(json.dumps(body).encode(), GenerateRequest), MODELS[model])


def test_the_same_request_has_the_same_answer() -> None:
    assert asked("Tell me about the sea.") == asked("Tell me about the sea.")


def test_at_temperature_zero_the_seed_changes_nothing() -> None:
    answers = {asked("Tell me about the sea.", temperature=0, seed=seed).text for seed in range(8)}
    assert len(answers) == 1


def test_with_temperature_the_seed_varies_the_wording() -> None:
    answers = {asked("Tell me about the sea.", temperature=1, seed=seed).text for seed in range(8)}
    assert len(answers) > 1


def test_a_summary_is_made_of_the_texts_own_sentences() -> None:
    summary = asked(f"Summarize the following text in two sentences:\n\n{COAST}", temperature=0).text
    own = sentences(COAST)
    assert [sentence in summary for sentence in own].count(True) == 2
    assert "Seagulls" not in summary


def test_the_system_instruction_alone_can_ask_for_a_summary() -> None:
    summary = asked(COAST, system="You summarise what the user sends as 3 bullet points.").text
    assert [line.removeprefix("- ") in sentences(COAST) for line in summary.splitlines()] == [True] * 3


def test_the_material_may_stand_between_tags_and_hold_marks_of_its_own() -> None:
    text = f"{COAST}\n\n```\nfence\n```\n\nTranslate <b>this</b>: not an order."
    prompt = f"<text>\n{text}\n</text>\n\nWrite a short summary: the main point, then key points as a list."
    main, points = asked(prompt).text.split("\n\n")
    assert main in sentences(COAST)
    assert all(point.removeprefix("- ") in sentences(text) for point in points.splitlines())


def test_a_fence_deep_in_a_text_is_a_part_of_the_text() -> None:
    prompt = f"Summarize this text in one sentence:\n\n{COAST * 5}\n\n```\nx\n```\n\n{COAST * 5}"
    assert asked(prompt).text.removeprefix("In short: ") in sentences(COAST)


def test_an_abbreviation_does_not_end_a_sentence() -> None:
    assert sentences("Mr. Malgorn came. He left.") == ["Mr. Malgorn came.", "He left."]


@pytest.mark.parametrize(
    ("prompt", "said"),
    [
        ("Translate to French: The lamp is lit.", "Traduction : « The lamp is lit. »"),
        ("Say hello to the keeper.", "hello to the keeper."),
        ("Classify as positive, negative or neutral: I love this lamp", "positive"),
        ("What is the capital of France?", "the capital of France"),
        (f"{COAST}\n\nWhen was the lighthouse lit?", "was lit in 1863"),
        ("Write a commit message:\n\n<diff>\n+++ b/lamp.py\n+timeout = 3\n</diff>", "lamp.py: add timeout"),
        ("Explain this SQL query:\n\nSELECT name FROM lights WHERE height > 30", "rows where `height > 30`"),
    ],
)
def test_an_answer_quotes_the_prompt(prompt: str, said: str) -> None:
    assert said in asked(prompt).text


def test_a_later_turn_refers_back_to_an_earlier_one() -> None:
    reply = asked("My name is Ada and I keep a lighthouse.", "Good evening.", "What is my name?")
    assert "My name is Ada" in reply.text


def test_a_text_of_so_many_words_has_so_many() -> None:
    assert len(asked("Write 300 words about ships and the sea").text.split()) == 300


def test_json_asked_for_in_words_has_the_named_keys_and_choices() -> None:
    system = 'Answer as JSON with the keys "category" (one of billing, technical, other) and "summary".'
    assert json.loads(asked(TICKET, system=system).text) == {"category": "billing", "summary": TICKET}


def test_json_asked_for_by_an_example_has_its_shape() -> None:
    system = 'Reply with JSON like {"category": "technical|billing", "urgent": true, "confidence": 0.5}'
    reply = json.loads(asked(TICKET, system=system).text)
    assert reply["category"] == "billing"
    assert reply["urgent"] is True
    assert 0 <= reply["confidence"] <= 1


PERSON: dict[str, Any] = {
    "type": "object",
    "properties": {
        "name": {"type": "string"},
        "address": {"$ref": "#/$defs/address"},
        "email": {"type": ["string", "null"], "format": "email"},
        "rating": {"type": "integer", "minimum": 1, "maximum": 5},
        "share": {"type": "number", "exclusiveMinimum": 0, "maximum": 1},
        "tags": {"type": "array", "items": {"type": "string"}, "minItems": 2, "maxItems": 4},
        "mood": {"anyOf": [{"type": "null"}, {"enum": ["happy", "angry"]}]},
        "code": {"type": "string", "minLength": 6, "maxLength": 6},
        "kind": {"const": "person"},
        "friends": {"type": "array", "items": {"$ref": "#"}},
    },
    "required": ["name", "address", "tags", "kind"],
    "additionalProperties": False,
    "$defs": {
        "address": {
            "type": "object",
            "properties": {"city": {"type": "string"}, "street": {"type": "string"}},
            "required": ["city"],
        }
    },
}


@pytest.mark.parametrize(
    "text", ["Ada Lovelace lives at 12 Baker Street in London.", "?", "", "写一个总结。", "7 " * 50]
)
def test_what_fills_a_schema_fits_it(text: str) -> None:
    jsonschema.validate(fill(PERSON, text), PERSON)


def test_what_fills_a_schema_comes_from_the_text() -> None:
    person = fill(PERSON, "Ada Lovelace lives at 12 Baker Street in London.")
    assert (person["name"], person["address"]) == (
        "Ada Lovelace",
        {"city": "London", "street": "12 Baker Street"},
    )


def test_googles_types_in_capitals_are_types() -> None:
    schema = {"type": "OBJECT", "properties": {"urgent": {"type": "BOOLEAN"}, "n": {"type": "INTEGER"}}}
    assert fill(schema, "Send 3, it is urgent") == {"urgent": True, "n": 3}


def test_a_prompt_that_speaks_of_a_function_calls_it() -> None:
    reply = asked("What's the weather in Paris?", tools=[WEATHER])
    assert reply.calls == (Call(name="get_weather", args={"city": "Paris"}),)
    assert reply.text == ""


def test_a_prompt_that_speaks_of_none_is_answered_in_words() -> None:
    reply = asked("Say hello", tools=[WEATHER])
    assert (reply.calls, reply.text) == ((), "hello")


def test_the_answer_is_cut_at_the_token_limit() -> None:
    reply = asked("Write 200 words about ships", maxOutputTokens=10)
    assert (len(reply.text), reply.finish_reason) == (40, "MAX_TOKENS")


def test_the_answer_ends_before_a_stop_sequence() -> None:
    reply = asked("Say one two END three", stopSequences=["END"])
    assert (reply.text, reply.finish_reason) == ("one two ", "STOP")


@pytest.mark.parametrize(
    ("model", "config", "thinks"),
    [
        ("gemini-2.5-flash", {}, True),
        ("gemini-2.5-flash", {"thinkingConfig": {"thinkingBudget": 0}}, False),
        ("gemini-2.5-flash-lite", {}, False),
        ("gemini-2.5-flash-lite", {"thinkingConfig": {"thinkingBudget": 64}}, True),
        ("gemini-2.0-flash", {}, False),
        ("gemini-3-flash-preview", {}, True),
    ],
)
def test_a_model_thinks_where_it_can_and_may(model: str, config: dict[str, Any], thinks: bool) -> None:
    assert bool(asked("Hello", model=model, **config).thinking_tokens) is thinks


def test_texts_with_common_words_have_near_vectors() -> None:
    lamp, lamps, soup = map(embed, ("the lamp is lit", "they lit the lamps", "a soup of onions"))
    assert len(lamp) == 768
    assert sum(number * number for number in lamp) == pytest.approx(1)
    assert _cosine(lamp, lamps) > 0.9 > 0.1 > _cosine(lamp, soup)


def _cosine(one: list[float], other: list[float]) -> float:
    return sum(a * b for a, b in zip(one, other, strict=True))
