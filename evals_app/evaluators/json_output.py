"""Is the output JSON, of the right schema, with the right fields?"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, NoReturn

from evals_app.evaluators.base import EvaluationFailed, Sample, Score, expected_at
from prompts_app import json_schema


class NotJson(ValueError):
    """Says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JsonValid:
    def evaluate(self, sample: Sample) -> Score:
        try:
            parse(sample.output)
        except NotJson as exc:
            return Score.of(False, str(exc))
        return Score.of(True, "valid JSON")


@dataclass(frozen=True, kw_only=True)
class JsonSchema:
    """Raises `ValueError` for what is no JSON Schema, or none that stands by itself."""

    schema: Mapping[str, Any]

    def __post_init__(self) -> None:
        try:
            assert self._compiled
        except json_schema.SchemaInvalid as exc:
            raise ValueError(f"no JSON Schema: {exc}") from exc

    @cached_property
    def _compiled(self) -> json_schema.JsonSchema:
        return json_schema.JsonSchema(self.schema)

    def evaluate(self, sample: Sample) -> Score:
        try:
            value = parse(sample.output)
        except NotJson as exc:
            return Score.of(False, str(exc))
        try:
            if self._compiled.fits(value):
                return Score.of(True, "fits")
        except json_schema.NotJudged as exc:
            raise EvaluationFailed(f"the output is {exc}") from exc
        return Score.of(False, "; ".join(self._compiled.complaints(value))[:300])


@dataclass(frozen=True, slots=True, kw_only=True)
class JsonFields:
    """The value is the share of fields that equal the case's expectation."""

    fields: tuple[str, ...] = field(default_factory=tuple)
    """Dotted paths; empty: every field that the case expects."""

    def evaluate(self, sample: Sample) -> Score:
        expected = expected_at(sample, "")
        if not isinstance(expected, Mapping):
            raise EvaluationFailed("the case expects no object")
        try:
            value = parse(sample.output)
        except NotJson as exc:
            return Score.of(False, str(exc))
        names = self.fields or tuple(expected)
        wrong = [name for name in names if not _same(_at(value, name), _at(expected, name))]
        reason = ", ".join(f"{name} is {_at(value, name)!r}, not {_at(expected, name)!r}" for name in wrong)
        return Score(value=1 - len(wrong) / len(names), reason=reason[:300] or "all equal")


def parse(text: str) -> Any:
    """The JSON value of the whole text, without NaN and infinities. Raises `NotJson`."""
    try:
        return json.loads(text, parse_constant=_refuse)
    except (ValueError, RecursionError) as exc:
        raise NotJson(f"not JSON: {exc}"[:200]) from exc


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is no JSON number")


def _at(value: Any, path: str) -> Any:
    """None where there is nothing."""
    for name in path.split("."):
        value = value.get(name) if isinstance(value, Mapping) else None
    return value


def _same(one: Any, other: Any) -> bool:
    """As JSON Schema compares: 1 is 1.0, and true is not 1."""
    return json_schema.equal(one, other)
