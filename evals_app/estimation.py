"""What a run can cost at the most, before a cent is spent."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from evals_app.datasets import CaseContent, DatasetContent
from evals_app.exceptions import RunRefused
from gateway_app.catalogue import Catalogue
from gateway_app.exceptions import ModelNotFound
from gateway_app.pricing import Price, cost
from gateway_app.schemas import USUAL
from gateway_app.types import Usage
from prompts_app.content import VersionContent
from prompts_app.exceptions import PromptError

CHARACTERS_PER_TOKEN = 3
"""Fewer than most texts have, so that the estimate errs upwards."""
VERDICTS = {"judge": 1, "pairwise": 4}
"""Times that an answer and its input are read by a judge: a pair is read twice, and holds two answers."""
VERDICT_TOKENS = 800
"""A judge's instructions and its verdict."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Prices:
    """Which models a run asks, and what they cost."""

    catalogue: Catalogue
    default_model: str
    judge_model: str
    embedding_model: str

    def of(self, model: str) -> Price | None:
        """Raises `RunRefused` for a model that nobody serves."""
        try:
            return self.catalogue.card(model).price
        except ModelNotFound as exc:
            raise RunRefused(str(exc)) from exc

    def of_embedding(self) -> Price | None:
        """As `of`, for the model that embeds."""
        try:
            return self.catalogue.embedding_card(self.embedding_model).price
        except ModelNotFound as exc:
            raise RunRefused(str(exc)) from exc


def ceiling(
    content: DatasetContent,
    versions: Mapping[str, VersionContent],
    prices: Prices,
    *,
    model: str = "",
    repeats: int = 1,
) -> Decimal | None:
    """USD for all questions and their judges, if every answer is as long as it may be (thinking aside).

    None where a price is not known. Raises `RunRefused` that names the case whose variables do not fit.
    """
    kinds = [entry["kind"] for entry in content.evaluators]
    judges = sum(VERDICTS.get(kind, 0) for kind in kinds)
    judge_price = prices.of(prices.judge_model)
    embeds = kinds.count("semantic_similarity")
    embedding_price = prices.of_embedding() if embeds else None
    total: Decimal = Decimal(0)
    for label, version in versions.items():
        price = prices.of(model or version.model or prices.default_model)
        longest = version.parameters.get("max_tokens") or USUAL.max_tokens or 0
        for case in content.cases:
            asked = _tokens(case, label, version)
            answer = cost(Usage(input_tokens=asked, output_tokens=longest), price)
            judging = Usage(input_tokens=asked + longest, output_tokens=VERDICT_TOKENS)
            verdict = cost(judging, judge_price) if judges else Decimal(0)
            read = Usage(input_tokens=longest + len(str(case.expected)) // CHARACTERS_PER_TOKEN)
            embedding = cost(read, embedding_price) if embeds else Decimal(0)
            if answer is None or verdict is None or embedding is None:
                return None
            total += answer + judges * verdict + embeds * embedding
    return total * repeats


def _tokens(case: CaseContent, label: str, version: VersionContent) -> int:
    try:
        turns = version.render(case.variables)
    except PromptError as exc:
        raise RunRefused(f"case {case.key!r} does not fit {label}: {exc}") from exc
    length = sum(len(turn.content) for turn in turns) + sum(len(turn.content) for turn in case.messages)
    return length // CHARACTERS_PER_TOKEN + 1
