"""Google's reply to a prompt, whole or as the chunks of a stream."""

import base64
import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import msgspec

from gateway_app.testing.answers.answer import Answer
from gateway_app.testing.wire.catalogue import Model
from gateway_app.testing.wire.tokens import PromptTokens, count

WORDS_PER_CHUNK = 5
_PIECE = re.compile(rf"\s*(?:\S+\s*){{1,{WORDS_PER_CHUNK}}}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    model: Model
    response_id: str
    prompt: PromptTokens
    answer: Answer

    def whole(self) -> dict[str, Any]:
        """The body of generateContent."""
        if not self.answer.is_candidate:
            return self._without_candidates()
        parts: list[dict[str, Any]] = []
        if self.answer.thoughts:
            parts.append({"text": self.answer.thoughts, "thought": True})
        if self.answer.text:
            parts.append({"text": self.answer.text} | self._text_signature())
        if self.answer.calls:
            parts.extend(self._call_parts())
        return self._message(parts, tokens=self._visible_tokens(), finish=self.answer.finish_reason)

    def chunks(self) -> list[dict[str, Any]]:
        """The events of streamGenerateContent; usage grows, the last one carries the finish reason."""
        if not self.answer.is_candidate:
            return [self._without_candidates()]
        steps = list(self._steps()) or [[]]
        text, messages = "", []
        for number, parts in enumerate(steps, start=1):
            last = number == len(steps)
            text += "".join(part.get("text", "") for part in parts if not part.get("thought"))
            messages.append(
                self._message(
                    parts,
                    tokens=self._visible_tokens() if last else count(text),
                    finish=self.answer.finish_reason if last else None,
                )
            )
        return messages

    def _steps(self) -> Iterator[list[dict[str, Any]]]:
        """The parts, as a stream would bring them."""
        answer = self.answer
        for piece in _pieces(answer.thoughts):
            yield [{"text": piece, "thought": True}]
        for piece in _pieces(answer.text):
            yield [{"text": piece}]
        if answer.calls:
            yield self._call_parts()
        elif signature := self._text_signature():
            yield [{"text": ""} | signature]

    def _call_parts(self) -> list[dict[str, Any]]:
        parts: list[dict[str, Any]] = [
            {"functionCall": {"name": call.name, "args": dict(call.args)}} for call in self.answer.calls
        ]
        if self.model.can_think:
            parts[0]["thoughtSignature"] = self._signature()
        return parts

    def _text_signature(self) -> dict[str, str]:
        """What newer models add to a text; in a stream it comes last, on an empty one."""
        signs = self.model.checks_signatures and self.answer.text and not self.answer.calls
        return {"thoughtSignature": self._signature()} if signs else {}

    def _signature(self) -> str:
        seed = f"{self.model.name}\n{self.answer.text}\n{self.answer.calls}".encode(errors="surrogatepass")
        return base64.b64encode(hashlib.shake_256(seed).digest(96)).decode()

    def _visible_tokens(self) -> int:
        calls = (msgspec.json.encode([call.name, dict(call.args)]).decode() for call in self.answer.calls)
        return count(self.answer.text) + sum(map(count, calls))

    def _message(self, parts: list[dict[str, Any]], *, tokens: int, finish: str | None) -> dict[str, Any]:
        candidate: dict[str, Any] = {
            "content": {"parts": parts, "role": "model"} if parts else {"role": "model"}
        }
        if finish:
            candidate["finishReason"] = finish
        if self.model.can_think:
            candidate["index"] = 0
        if finish and self.answer.calls:
            candidate["finishMessage"] = "Model generated function call(s)."
        return {"candidates": [candidate], **self._tail(tokens)}

    def _without_candidates(self) -> dict[str, Any]:
        if not self.answer.block_reason:
            return self._tail(0)
        rating = {"category": "HARM_CATEGORY_DANGEROUS_CONTENT", "probability": "HIGH"}
        feedback = {"blockReason": self.answer.block_reason, "safetyRatings": [rating]}
        return {"promptFeedback": feedback, **self._tail(0)}

    def _tail(self, tokens: int) -> dict[str, Any]:
        return {
            "usageMetadata": self.usage(tokens),
            "modelVersion": self.model.name,
            "responseId": self.response_id,
        }

    def usage(self, tokens: int) -> dict[str, Any]:
        """`usageMetadata` once `tokens` of the visible answer are sent. Counts of nothing are left out."""
        prompt, thoughts = self.prompt, self.answer.thinking_tokens
        usage: dict[str, Any] = {"promptTokenCount": prompt.total}
        if tokens:
            usage["candidatesTokenCount"] = tokens
        usage["totalTokenCount"] = prompt.total + tokens + thoughts
        if prompt.cached:
            usage["cachedContentTokenCount"] = prompt.cached
            usage["cacheTokensDetails"] = [{"modality": "TEXT", "tokenCount": prompt.cached}]
        usage["promptTokensDetails"] = prompt_details(prompt)
        if thoughts:
            usage["thoughtsTokenCount"] = thoughts
        return usage


def prompt_details(prompt: PromptTokens) -> list[dict[str, Any]]:
    counts = {"TEXT": prompt.text, "IMAGE": prompt.image}
    return [{"modality": name, "tokenCount": tokens} for name, tokens in counts.items() if tokens]


def _pieces(text: str) -> list[str]:
    return _PIECE.findall(text) or ([text] if text else [])
