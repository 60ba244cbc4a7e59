"""From a request to its answer: which kind it is, and where it is cut."""

import hashlib
import json
from dataclasses import replace

import msgspec

from gateway_app.testing.answers import function_calls, instructions, json_form, prose
from gateway_app.testing.answers.answer import Answer
from gateway_app.testing.answers.structured import fill
from gateway_app.testing.wire.catalogue import OUTPUT_TOKEN_LIMIT, Model
from gateway_app.testing.wire.requests import Blob, GenerateRequest
from gateway_app.testing.wire.tokens import CHARACTERS_PER_TOKEN, count


def answer(request: GenerateRequest, model: Model) -> Answer:
    """The same answer for the same request. Temperature 0 leaves the seed out of account."""
    variant = _variant(request, model)
    calls = function_calls.wanted(request)
    made = Answer(calls=calls) if calls else Answer(text=_text(request, variant))
    return limited(_with_thoughts(made, request, model, variant), request)


def limited(made: Answer, request: GenerateRequest) -> Answer:
    """Cut at the first stop sequence and at `maxOutputTokens`.

    Thoughts do not count against that limit, as they do at Google's: small limits would leave no text at all.
    """
    config = request.generation_config
    stops = [place for stop in config.stop_sequences if stop and (place := made.text.find(stop)) >= 0]
    text = made.text[: min(stops, default=len(made.text))]
    limit = min(config.max_output_tokens or OUTPUT_TOKEN_LIMIT, OUTPUT_TOKEN_LIMIT)
    if count(text) > limit:
        return replace(made, text=text[: limit * CHARACTERS_PER_TOKEN], finish_reason="MAX_TOKENS")
    return replace(made, text=text)


def _text(request: GenerateRequest, variant: int) -> str:
    if responses := request.contents[-1].function_responses:
        return function_calls.told(responses)
    instruction = instructions.read(request.system_instruction.text, request.user_text)
    config = request.generation_config
    schema = config.schema or json_form.asked(instruction.wording)
    if schema is None and config.response_mime_type == "application/json":
        schema = {"type": "object", "properties": {"answer": {"type": "string"}}}
    if schema is not None:
        return json.dumps(fill(schema, instruction.material), ensure_ascii=False)
    earlier = tuple((turn.role, turn.text) for turn in request.contents[:-1] if turn.text)
    said = prose.reply(prose.Prompt(instruction=instruction, earlier=earlier, variant=variant))
    return "\n\n".join(filter(None, (_seen(request), said)))


def _seen(request: GenerateRequest) -> str:
    """A word on the media that came with the last turn."""
    media = [part.inline_data for part in request.contents[-1].parts if part.inline_data]
    return "I received " + " and ".join(map(_described, media)) + "." if media else ""


def _described(blob: Blob) -> str:
    return f"{blob.mime_type} of {blob.size:,} bytes"


def _with_thoughts(made: Answer, request: GenerateRequest, model: Model, variant: int) -> Answer:
    config = request.generation_config.thinking_config
    budget = config.thinking_budget
    asked = budget is not None or config.thinking_level is not None
    if not model.can_think or budget == 0 or not (asked or model.thinks_unasked):
        return made
    tokens = 24 + variant % 150
    tokens = min(tokens, budget) if budget and budget > 0 else tokens
    thoughts = ""
    if config.include_thoughts:
        subject = " ".join(request.user_text.split())[:200]
        thoughts = f"**Reading the request**\n\nThe user says: “{subject}” What is asked comes first.\n\n"
    return replace(made, thoughts=thoughts, thinking_tokens=tokens)


def _variant(request: GenerateRequest, model: Model) -> int:
    config = request.generation_config
    wording = None if config.temperature == 0 else (config.temperature, config.seed)
    contents = msgspec.json.encode((request.system_instruction, request.contents))
    seed = contents + repr((model.name, wording)).encode()
    return int.from_bytes(hashlib.blake2b(seed, digest_size=4).digest(), "big")
