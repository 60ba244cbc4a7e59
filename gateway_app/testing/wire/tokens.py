"""How many tokens a request has, and which of them the vendor has seen before."""

import hashlib
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from gateway_app.testing.wire.requests import Content, GenerateRequest, Part

CHARACTERS_PER_TOKEN = 4
TOKENS_PER_IMAGE = 258
BLOCK_TOKENS = 1024
"""Prompts are cached by whole blocks from their beginning."""
_BLOCK_CHARACTERS = BLOCK_TOKENS * CHARACTERS_PER_TOKEN


@dataclass(frozen=True, slots=True, kw_only=True)
class PromptTokens:
    text: int
    image: int = 0
    cached: int = 0

    @property
    def total(self) -> int:
        return self.text + self.image


def count(text: str) -> int:
    """About a quarter of the characters; 0 for an empty text."""
    return -(-len(text) // CHARACTERS_PER_TOKEN)


def of_request(request: GenerateRequest) -> PromptTokens:
    """System instruction, turns and tools."""
    return _tokens(prompt_text(request), images=_images(request.contents))


def of_contents(contents: tuple[Content, ...]) -> PromptTokens:
    return _tokens("\n".join(_texts(contents)), images=_images(contents))


def prompt_text(request: GenerateRequest) -> str:
    """All that is text in the prompt, in the order in which the model reads it."""
    tools = [msgspec.json.encode(function).decode() for function in request.functions]
    return "\n".join([request.system_instruction.text, *tools, *_texts(request.contents)]).strip()


def _tokens(text: str, *, images: int) -> PromptTokens:
    return PromptTokens(text=max(count(text), 1), image=images * TOKENS_PER_IMAGE)


def _texts(contents: tuple[Content, ...]) -> Iterator[str]:
    for turn in contents:
        for part in turn.parts:
            yield part.text or _json(_data(part))


def _data(part: Part) -> Mapping[str, Any] | None:
    if part.function_call:
        return {"name": part.function_call.name, "args": part.function_call.args}
    if part.function_response:
        return {"name": part.function_response.name, "response": part.function_response.response}
    return part.executable_code or part.code_execution_result


def _json(value: Mapping[str, Any] | None) -> str:
    return msgspec.json.encode(value).decode() if value else ""


def _images(contents: tuple[Content, ...]) -> int:
    return sum(bool(part.inline_data or part.file_data) for turn in contents for part in turn.parts)


def prefixes(text: str) -> tuple[bytes, ...]:
    """A digest of each of the text's beginnings of 1, 2, 3, … whole blocks."""
    digest, digests = hashlib.blake2b(digest_size=16), []
    for end in range(_BLOCK_CHARACTERS, len(text) + 1, _BLOCK_CHARACTERS):
        digest.update(text[end - _BLOCK_CHARACTERS : end].encode(errors="surrogatepass"))
        digests.append(digest.digest())
    return tuple(digests)


class PromptCache:
    """Remembers the beginnings of the last prompts, as Google's implicit caching does."""

    def __init__(self, *, size: int = 20_000) -> None:
        self._size = size
        self._seen: OrderedDict[tuple[str, bytes], None] = OrderedDict()

    def cached_tokens(self, model: str, digests: tuple[bytes, ...]) -> int:
        """Tokens of the longest beginning that came before; from now on this one has come too."""
        known = 0
        for number, digest in enumerate(digests, start=1):
            key = (model, digest)
            known = number if key in self._seen and known == number - 1 else known
            self._seen[key] = None
            self._seen.move_to_end(key)
        while len(self._seen) > self._size:
            self._seen.popitem(last=False)
        return known * BLOCK_TOKENS
