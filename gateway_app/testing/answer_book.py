"""Everything about a request that does not change from call to call, worked out once and kept."""

import hashlib
from collections import OrderedDict
from dataclasses import dataclass

from gateway_app.testing.answers.answer import Answer
from gateway_app.testing.answers.answering import answer
from gateway_app.testing.faults import Faults, directed, without_directives
from gateway_app.testing.wire import rules, tokens
from gateway_app.testing.wire.catalogue import Model
from gateway_app.testing.wire.requests import GenerateRequest, read


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    answer: Answer
    prompt: tokens.PromptTokens
    prefixes: tuple[bytes, ...]
    faults: Faults
    """Those that the user's text asks for."""


class AnswerBook:
    """The entries of the last requests."""

    def __init__(self, *, size: int = 2048) -> None:
        self._size = size
        self._entries: OrderedDict[bytes, Entry] = OrderedDict()

    def look_up(self, model: Model, body: bytes) -> Entry:
        """The entry of a generateContent `body`. Raises `GoogleError` 400 where the body is wrong."""
        key = hashlib.blake2b(body, digest_size=16, key=model.name.encode()).digest()
        if entry := self._entries.get(key):
            self._entries.move_to_end(key)
            return entry
        entry = self._entries[key] = _worked_out(model, body)
        if len(self._entries) > self._size:
            self._entries.popitem(last=False)
        return entry


def _worked_out(model: Model, body: bytes) -> Entry:
    request = read(body, GenerateRequest)
    rules.check(request, model)
    faults = directed(request.user_text)
    request = without_directives(request) if b"[[fault:" in body else request
    return Entry(
        answer=answer(request, model),
        prompt=tokens.of_request(request),
        prefixes=tokens.prefixes(tokens.prompt_text(request)),
        faults=faults,
    )
