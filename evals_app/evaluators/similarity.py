"""How like the expected text is the output?"""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass

from rapidfuzz.distance import LCSseq, Levenshtein

from evals_app.evaluators.base import Embed, EvaluationFailed, Sample, Score, expected_text

WORD = re.compile(r"\w+")


@dataclass(frozen=True, slots=True, kw_only=True)
class EditSimilarity:
    """1 less the Levenshtein distance over the length of the longer text."""

    expected: str = ""

    def evaluate(self, sample: Sample) -> Score:
        wanted = expected_text(sample, self.expected)
        return Score(value=Levenshtein.normalized_similarity(sample.output.strip(), wanted.strip()))


@dataclass(frozen=True, slots=True, kw_only=True)
class RougeL:
    """F1 of the longest common subsequence of words (Lin 2004), lower case, without stemming."""

    expected: str = ""

    def evaluate(self, sample: Sample) -> Score:
        wanted, given = _words(expected_text(sample, self.expected)), _words(sample.output)
        if not wanted or not given:
            return Score.of(wanted == given, "no words")
        common = LCSseq.similarity(wanted, given)
        precision, recall = common / len(given), common / len(wanted)
        return Score(
            value=2 * common / (len(wanted) + len(given)),
            reason=f"precision {precision:.2f}, recall {recall:.2f}",
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Bleu:
    """Sentence BLEU with sacrebleu's tokenizer and smoothing, from 0 to 1."""

    expected: str = ""

    def evaluate(self, sample: Sample) -> Score:
        # Brings lxml and costs a quarter of every process's start: only who asks for it waits.
        from sacrebleu.metrics.bleu import BLEU

        bleu = BLEU(effective_order=True)
        found = bleu.sentence_score(sample.output, [expected_text(sample, self.expected)])
        return Score(value=min(1.0, found.score / 100))


@dataclass(frozen=True, slots=True, kw_only=True)
class SemanticSimilarity:
    """Cosine of the two texts' embeddings; opposite meanings count as unrelated."""

    embed: Embed
    expected: str = ""

    async def evaluate(self, sample: Sample) -> Score:
        wanted = expected_text(sample, self.expected)
        if not sample.output.strip():
            return Score.of(False, "the output is empty")
        vectors = await self.embed([sample.output, wanted])
        try:
            value = _cosine(*vectors.values)
        except EvaluationFailed as exc:
            raise EvaluationFailed(str(exc), cost_usd=vectors.cost_usd) from exc
        return Score(value=max(0.0, min(1.0, value)), cost_usd=vectors.cost_usd)


def _words(text: str) -> list[str]:
    return WORD.findall(text.casefold())


def _cosine(one: Sequence[float], other: Sequence[float]) -> float:
    lengths = math.hypot(*one) * math.hypot(*other)
    if not lengths or len(one) != len(other):
        raise EvaluationFailed("the embeddings cannot be compared")
    return sum(a * b for a, b in zip(one, other, strict=True)) / lengths
