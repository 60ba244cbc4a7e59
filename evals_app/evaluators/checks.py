"""A dataset's evaluators: built from their specifications, each with a name, a threshold and a weight."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import MISSING, dataclass, fields
from inspect import isawaitable
from typing import Any

import msgspec

from evals_app.evaluators.base import Complete, Embed, EvaluationFailed, Evaluator, Sample, Score
from evals_app.evaluators.bounds import Cost, Finish, Latency, Length
from evals_app.evaluators.contains import ContainsAll, ContainsAny, NotContains
from evals_app.evaluators.exact import Exact
from evals_app.evaluators.json_output import JsonFields, JsonSchema, JsonValid
from evals_app.evaluators.judge import Judge
from evals_app.evaluators.numeric import Numeric
from evals_app.evaluators.pairwise import Pairwise
from evals_app.evaluators.pattern import Pattern
from evals_app.evaluators.refusal import Refusal
from evals_app.evaluators.similarity import Bleu, EditSimilarity, RougeL, SemanticSimilarity

KINDS: Mapping[str, type[Any]] = {
    "exact": Exact,
    "contains_all": ContainsAll,
    "contains_any": ContainsAny,
    "not_contains": NotContains,
    "pattern": Pattern,
    "json_valid": JsonValid,
    "json_schema": JsonSchema,
    "json_fields": JsonFields,
    "numeric": Numeric,
    "edit_similarity": EditSimilarity,
    "rouge_l": RougeL,
    "bleu": Bleu,
    "semantic_similarity": SemanticSimilarity,
    "length": Length,
    "latency_limit": Latency,
    "cost_limit": Cost,
    "finish": Finish,
    "refusal": Refusal,
    "judge": Judge,
    "pairwise": Pairwise,
}
"""What `kind` says in a specification -> the evaluator; its fields are the options."""
NAME = r"[a-z0-9][a-z0-9_-]{0,63}"


class ChecksInvalid(ValueError):
    """A specification is wrong; the message names it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tools:
    """What evaluators that ask a model are given."""

    complete: Complete
    embed: Embed


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One evaluator as a dataset uses it."""

    name: str
    evaluator: Evaluator
    threshold: float
    """The value from which an output passes."""
    weight: float
    """Its share in the score of a case."""

    async def evaluate(self, sample: Sample) -> Score:
        """A failure to judge is an error in the score."""
        try:
            score = self.evaluator.evaluate(sample)
            return await score if isawaitable(score) else score
        except EvaluationFailed as exc:
            return Score.failed(str(exc), cost_usd=exc.cost_usd)

    def passes(self, score: Score) -> bool:
        return score.error is None and score.passed is not False and score.value >= self.threshold


class _Frame(msgspec.Struct, kw_only=True):
    """What every specification may say besides the options of its kind."""

    kind: str
    name: str = ""
    threshold: float | None = None
    weight: float = 1.0


FRAME = {field.name for field in msgspec.structs.fields(_Frame)}


def build(specifications: Sequence[Mapping[str, Any]], tools: Tools) -> tuple[Check, ...]:
    """Raises `ChecksInvalid`."""
    checks = tuple(_check(specification, tools) for specification in specifications)
    if not checks:
        raise ChecksInvalid("there are no evaluators")
    names = [check.name for check in checks]
    if twice := {name for name in names if names.count(name) > 1}:
        raise ChecksInvalid(f"several evaluators are named {', '.join(sorted(twice))}: give each a name")
    return checks


def _check(specification: Mapping[str, Any], tools: Tools) -> Check:
    try:
        frame = msgspec.convert(specification, _Frame)
        if frame.kind not in KINDS:
            raise ChecksInvalid(f"there is no evaluator {frame.kind!r}; there are {', '.join(KINDS)}")
        name = frame.name or frame.kind
        if not re.fullmatch(NAME, name):
            raise ChecksInvalid(f"{name!r} is no evaluator's name: a-z, 0-9, _ and -, 64 at most")
        threshold = getattr(KINDS[frame.kind], "usual_threshold", 1.0)
        if frame.threshold is not None:
            threshold = frame.threshold
        if not 0 < frame.weight <= 1000 or not 0 < threshold <= 1:
            raise ChecksInvalid(f"{name}: a weight is above 0, a threshold above 0 and at most 1")
        evaluator = _evaluator(KINDS[frame.kind], specification, tools)
    except (msgspec.ValidationError, ValueError) as exc:
        shown = specification.get("name") or specification.get("kind") or "evaluator"
        raise ChecksInvalid(str(exc) if isinstance(exc, ChecksInvalid) else f"{shown}: {exc}") from exc
    return Check(name=name, evaluator=evaluator, threshold=threshold, weight=frame.weight)


def _evaluator(kind: type[Any], specification: Mapping[str, Any], tools: Tools) -> Evaluator:
    """Raises `ValueError` for options that the kind does not have, lacks or cannot take."""
    given = {name: getattr(tools, name) for name in ("complete", "embed")}
    options = {field.name: field for field in fields(kind) if field.name not in given}
    said = {name: value for name, value in specification.items() if name not in FRAME}
    if unknown := set(said) - set(options):
        raise ValueError(f"has no option {', '.join(sorted(unknown))}")
    needed = {name for name, field in options.items() if field.default is field.default_factory is MISSING}
    if lacking := needed - set(said):
        raise ValueError(f"needs {', '.join(sorted(lacking))}")
    values = {name: msgspec.convert(value, options[name].type, strict=False) for name, value in said.items()}
    names = {field.name for field in fields(kind)}
    evaluator: Evaluator = kind(**values, **{name: tool for name, tool in given.items() if name in names})
    return evaluator
