"""Asks the gateway one question of a run, and has the answer judged."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from math import fsum
from typing import Any, cast

from evals_app.claims import Outcome, Question
from evals_app.evaluators import base
from evals_app.evaluators.base import EvaluationFailed, Sample, Score
from evals_app.evaluators.checks import Check, Tools, build
from gateway_app.embedding import EmbeddingRequest, Embeddings
from gateway_app.events import Answer
from gateway_app.exceptions import GatewayError
from gateway_app.gateway import Gateway
from gateway_app.ids import uuid7
from gateway_app.requests import CacheControl, Caller, ChatRequest
from gateway_app.schemas import USUAL
from gateway_app.service import Service
from gateway_app.types import Message, Parameters, Role
from prompts_app.exceptions import PromptError

CALLER = Caller(project_id=None, project="evals")
FRESH = CacheControl(read=False, write=False)
"""A repeat that came from the cache would repeat nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asker:
    """What all questions of a run have in common."""

    service: Service
    prompt: str
    model: str
    """Empty: the versions' own."""
    checks: tuple[Check, ...]

    async def answer(self, question: Question) -> Outcome:
        """Never raises for what a model, a vendor or a judge does: that is an outcome, too."""
        try:
            answer = await self.service.complete(self._request(question))
        except (GatewayError, PromptError) as exc:
            return self._unanswered(question, f"{exc.code}: {exc}")
        sample = Sample(
            output=_storable(answer.text),
            expected=question.expected,
            variables=question.variables,
            finish_reason=answer.end.finish_reason,
            latency=answer.end.latency,
            cost_usd=answer.end.cost_usd,
            rival=question.rival,
        )
        scores = [(check, await check.evaluate(sample)) for check in self.checks]
        return self._outcome(question, answer, sample, scores)

    def _request(self, question: Question) -> ChatRequest:
        return ChatRequest(
            request_id=question.request_id,
            caller=CALLER,
            surface="eval",
            stream=False,
            messages=tuple(_message(turn) for turn in question.messages),
            prompt_name=self.prompt,
            prompt_version=question.version,
            allow_drafts=True,
            variables=question.variables,
            model=self.model or None,
            defaults=USUAL,
            cache=FRESH,
        )

    def _outcome(
        self, question: Question, answer: Answer, sample: Sample, scores: Sequence[tuple[Check, Score]]
    ) -> Outcome:
        weights = fsum(check.weight for check, _ in scores)
        return Outcome(
            result_id=question.result_id,
            output=sample.output,
            finish_reason=answer.end.finish_reason,
            latency=sample.latency,
            cost_usd=sample.cost_usd,
            judging_usd=sum((score.cost_usd for _, score in scores), Decimal(0)),
            scores={check.name: _stored(check, score) for check, score in scores},
            score=fsum(check.weight * score.value for check, score in scores) / weights,
            passed=all(check.passes(score) for check, score in scores),
        )

    def _unanswered(self, question: Question, error: str) -> Outcome:
        failed = Score.failed("there was no answer")
        return Outcome(
            result_id=question.result_id,
            error=_storable(error)[:2000],
            scores={check.name: _stored(check, failed) for check in self.checks},
        )


def asker(
    gateway: Gateway, *, prompt: str, model: str, evaluators: Sequence[Any], judge: str, embedder: str
) -> Asker:
    """Raises `ChecksInvalid`."""
    tools = Tools(
        complete=_Judging(gateway.service, judge).complete,
        embed=_Embedding(gateway.embeddings, embedder).embed,
    )
    return Asker(service=gateway.service, prompt=prompt, model=model, checks=build(evaluators, tools))


@dataclass(frozen=True, slots=True)
class _Judging:
    """A model behind the gateway, as judges ask it."""

    service: Service
    model: str

    async def complete(self, question: base.Question) -> base.Reply:
        request = ChatRequest(
            request_id=f"eval-judge-{uuid7()}",
            caller=CALLER,
            surface="eval",
            stream=False,
            messages=(
                Message(role="system", content=question.system),
                Message(role="user", content=question.user),
            ),
            model=self.model,
            parameters=Parameters(temperature=0.0, response_schema=question.schema),
            defaults=USUAL,
            cache=FRESH,
        )
        try:
            answer = await self.service.complete(request)
        except GatewayError as exc:
            raise EvaluationFailed(f"the judge does not answer: {exc.code}: {exc}") from exc
        return base.Reply(text=answer.text, cost_usd=answer.end.cost_usd or Decimal(0))


@dataclass(frozen=True, slots=True)
class _Embedding:
    """A model that embeds behind the gateway."""

    embeddings: Embeddings
    model: str

    async def embed(self, texts: Sequence[str]) -> base.Vectors:
        request = EmbeddingRequest(
            request_id=f"eval-embedding-{uuid7()}",
            caller=CALLER,
            surface="eval",
            model=self.model,
            texts=tuple(texts),
        )
        try:
            answer = await self.embeddings.embed(request)
        except GatewayError as exc:
            raise EvaluationFailed(f"the texts are not embedded: {exc.code}: {exc}") from exc
        return base.Vectors(values=answer.vectors, cost_usd=answer.cost_usd or Decimal(0))


def _message(turn: Mapping[str, str]) -> Message:
    return Message(role=cast(Role, turn["role"]), content=turn["content"])


def _stored(check: Check, score: Score) -> dict[str, Any]:
    return {
        "value": score.value,
        "reason": _storable(score.reason),
        "passed": check.passes(score),
        "flipped": score.flipped,
        "error": score.error and _storable(score.error),
    }


def _storable(text: str) -> str:
    """Postgres takes neither NUL nor half a surrogate pair."""
    return text.replace("\0", "").encode(errors="replace").decode()
