"""What a dataset says: which prompt it tests, on which cases, judged how."""

import hashlib
import re
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import msgspec

from evals_app.evaluators.base import EvaluationFailed, Question, Reply, Vectors
from evals_app.evaluators.checks import ChecksInvalid, Tools, build
from evals_app.exceptions import DatasetInvalid
from prompts_app.content import is_storable, texts_in

NAME = r"[a-z0-9][a-z0-9_-]{0,63}"
KEY = r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}"
MAX_CASES = 20_000
MAX_CASE_BYTES = 256 * 1024
SCORE, PASSED = "score", "passed"
MEASURED = ("cost", "latency")
"""Guardrails that need no evaluator: their margin is relative to the baseline."""


class Turn(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    role: Literal["user", "assistant"]
    content: str


class CaseContent(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    key: str
    """Names the case through all versions of the dataset."""
    variables: dict[str, Any] = msgspec.field(default_factory=dict)
    messages: tuple[Turn, ...] = ()
    """Turns that follow the prompt's own."""
    expected: Any = None
    tags: tuple[str, ...] = ()
    critical: bool = False
    """A version that fails it where the baseline passes is worse, whatever its average."""
    call: str = ""
    """The id of the call that it was taken from."""


class DatasetContent(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True
):
    name: str
    prompt: str
    description: str = ""
    primary: str = SCORE
    """What the verdict is about: `score`, `passed`, or one evaluator's name."""
    margin: float = 0.05
    """By how much of the primary a version may be worse and still count as not worse."""
    guardrails: dict[str, float] = msgspec.field(default_factory=dict)
    """Evaluator, `cost` or `latency` -> the margin beyond which it must not be worse."""
    evaluators: tuple[dict[str, Any], ...]
    cases: tuple[CaseContent, ...]

    @property
    def digest(self) -> str:
        """SHA-256 of everything that shapes a comparison, and of the description."""
        # By hand: which defaults msgspec leaves out depends on where a value came from.
        cases = [{name: case[name] for name in case if name != "call"} for case in plain_cases(self)]
        said = msgspec.structs.asdict(self) | {"cases": cases}
        return hashlib.sha256(msgspec.json.encode(said, order="deterministic")).hexdigest()


def read(value: Any) -> DatasetContent:
    """A checked dataset from plain values. Raises `DatasetInvalid`."""
    content = kept(value)
    check(content)
    return content


def kept(value: Any) -> DatasetContent:
    """What was checked when it was saved, by the rules of that time. Raises `DatasetInvalid`."""
    try:
        return msgspec.convert(value, DatasetContent)
    except msgspec.ValidationError as exc:
        raise DatasetInvalid(_with_key(str(exc), value)) from exc


def with_cases(content: DatasetContent, cases: Sequence[CaseContent]) -> DatasetContent:
    """`cases` take the places of those with the same keys; new ones come last."""
    merged = {case.key: case for case in (*content.cases, *cases)}
    return msgspec.structs.replace(content, cases=tuple(merged.values()))


def plain_cases(content: DatasetContent) -> list[dict[str, Any]]:
    """The cases with every field that they have, as JSON values."""
    return [
        {name: msgspec.to_builtins(getattr(case, name)) for name in CaseContent.__struct_fields__}
        for case in content.cases
    ]


def check(content: DatasetContent) -> None:
    """Raises `DatasetInvalid` that names what is wrong."""
    _check_storable(content)
    for what, name in (("dataset", content.name), ("prompt", content.prompt)):
        if not re.fullmatch(NAME, name):
            raise DatasetInvalid(f"{name!r} is no {what}'s name: 1 to 64 of a-z, 0-9, _ and -")
    try:
        names = {entry.name for entry in build(content.evaluators, NO_TOOLS)}
    except ChecksInvalid as exc:
        raise DatasetInvalid(f"evaluators: {exc}") from exc
    if reserved := names & {SCORE, PASSED, *MEASURED}:
        raise DatasetInvalid(f"evaluators: {', '.join(reserved)} means something else: choose another name")
    _check_goals(content, names)
    _check_cases(content.cases)


def _check_storable(content: DatasetContent) -> None:
    """Everything but the cases, which are looked at one by one."""
    for name in DatasetContent.__struct_fields__:
        said = [] if name == "cases" else msgspec.to_builtins(getattr(content, name))
        if not all(map(is_storable, texts_in(said))):
            raise DatasetInvalid(
                f"{name} holds a character that cannot be stored (NUL or half a surrogate pair)"
            )


def _check_goals(content: DatasetContent, names: set[str]) -> None:
    if content.primary not in {SCORE, PASSED} | names:
        raise DatasetInvalid(f"primary: there is no evaluator {content.primary!r}")
    if unknown := set(content.guardrails) - names - set(MEASURED):
        raise DatasetInvalid(f"guardrails: there is no evaluator {', '.join(sorted(unknown))}")
    margins = {"margin": content.margin, **content.guardrails}
    if wrong := [name for name, margin in margins.items() if not 0 <= margin <= 10]:
        raise DatasetInvalid(f"the margin of {', '.join(wrong)} is not from 0 to 10")
    if content.margin <= 0:
        raise DatasetInvalid("margin: it takes infinitely many cases to show that nothing at all is lost")


def _check_cases(cases: Sequence[CaseContent]) -> None:
    if not 1 <= len(cases) <= MAX_CASES:
        raise DatasetInvalid(f"a dataset has 1 to {MAX_CASES} cases, not {len(cases)}")
    seen: set[str] = set()
    for number, case in enumerate(cases, start=1):
        where = f"case {number} ({case.key[:100]!r})"
        if not re.fullmatch(KEY, case.key):
            raise DatasetInvalid(f"{where}: a key is 1 to 100 of letters, digits, '.', '_' and '-'")
        if case.key in seen:
            raise DatasetInvalid(f"{where}: another case has the same key")
        seen.add(case.key)
        try:
            encoded = msgspec.json.encode(case)
        except (UnicodeEncodeError, TypeError, RecursionError) as exc:
            raise DatasetInvalid(f"{where}: {exc}") from exc
        if len(encoded) > MAX_CASE_BYTES:
            raise DatasetInvalid(f"{where} is larger than {MAX_CASE_BYTES // 1024} kB")
        if b"\\u0000" in encoded:
            raise DatasetInvalid(f"{where} holds the character NUL, which cannot be stored")


def _with_key(message: str, value: Any) -> str:
    """The case's key instead of its number alone, where there is one."""
    place = re.search(r"\$\.cases\[(\d+)\]", message)
    cases = value.get("cases") if isinstance(value, Mapping) else None
    if not place or not isinstance(cases, list):
        return message
    case = cases[int(place[1])]
    key = case.get("key") if isinstance(case, Mapping) else None
    return f"case {int(place[1]) + 1} ({key!r}): {message}"


async def _complete(question: Question) -> Reply:
    raise EvaluationFailed("no model can be asked here")


async def _embed(texts: Sequence[str]) -> Vectors:
    raise EvaluationFailed("no model can be asked here")


NO_TOOLS = Tools(complete=_complete, embed=_embed)
"""For building evaluators only to see whether they are right."""
