"""Cases made of calls that were served: one by one, or a sample of those of a kind."""

import math
import random
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import msgspec
from django.db import transaction

from evals_app import services
from evals_app.datasets import CaseContent, DatasetContent, Turn, with_cases
from evals_app.exceptions import CallUnusable, DatasetInvalid
from evals_app.models import Dataset, DatasetVersion
from gateway_app.exceptions import CallNotFound
from gateway_app.kept_calls import CallFilter, KeptCall, count_calls, kept_call, kept_ids, read_calls
from prompts_app.exceptions import PromptError
from prompts_app.registry import registry

NOT_KEPT = (
    "The words of this call were not kept, or are gone by now. "
    "A project's page says of how many of its calls they are kept, and for how long."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """How many of the calls that fit are taken; `count`, or else `percent` of them."""

    count: int | None = None
    percent: float | None = None
    seed: int = 0

    def size(self, fitting: int) -> int:
        """Raises `DatasetInvalid` unless it says one of the two."""
        if (self.count is None) == (self.percent is None):
            raise DatasetInvalid("say how many calls, or how many percent of them")
        if self.count is not None:
            return self.count
        return math.ceil(fitting * (self.percent or 0) / 100)


@dataclass(frozen=True, slots=True, kw_only=True)
class Added:
    version: DatasetVersion
    cases: int
    found: int
    """Calls that fit the filter."""
    kept: int
    """Those of them whose words were kept."""
    known: int
    """Those that were drawn and ask what the dataset asks already."""
    unusable: int
    """Those that were drawn and cannot be a case."""

    def __str__(self) -> str:
        left = [
            f"{number} {why}"
            for number, why in (
                (self.found - self.kept, "without kept words"),
                (self.known, "already there"),
                (self.unusable, "unusable"),
            )
            if number
        ]
        said = f"{self.cases} of {self.found} calls added to {self.version}"
        return f"{said}; left out: {', '.join(left)}" if left else said


def usable_call(call_id: UUID) -> KeptCall:
    """Raises `CallUnusable` that says why it is not."""
    try:
        call = kept_call(call_id)
    except CallNotFound as exc:
        raise CallUnusable(str(exc)) from exc
    if call is None:
        raise CallUnusable(NOT_KEPT)
    return call


def case_of(call: KeptCall, **said: Any) -> CaseContent:
    """The call as a question; `said` is what else its case says. Raises `CallUnusable`."""
    if not call.whole:
        raise CallUnusable("A text of this call was too long to be kept whole.")
    own = call.messages[_turns(call) :]
    if any(turn.images or turn.tool_calls or turn.role == "tool" for turn in own):
        raise CallUnusable("This call has images or tools, which a case cannot hold.")
    turns = [{"role": turn.role, "content": turn.content} for turn in own if turn.role != "system"]
    return CaseContent(
        **{"key": f"call-{call.id.hex[-12:]}"} | said,
        variables=call.variables or {},
        messages=tuple(msgspec.convert(turns, list[Turn])),
        call=str(call.id),
    )


@transaction.atomic
def add_call(call_id: UUID, *, dataset: str, actor: str, **said: Any) -> DatasetVersion:
    """Raises `CallUnusable`, also for what the dataset asks already, and `DatasetInvalid`."""
    content = _locked(dataset)
    call = usable_call(call_id)
    case = case_of(call, **said)
    if call.prompt and call.prompt != content.prompt:
        raise CallUnusable(f"{dataset} is about {content.prompt}, and this call went to {call.prompt}.")
    if same := next((known.key for known in content.cases if _asks(known) == _asks(case)), None):
        raise CallUnusable(f"{dataset} asks this already: its case {same}.")
    if any(known.key == case.key for known in content.cases):
        raise DatasetInvalid(f"{dataset} has a case {case.key} already: choose another key")
    return services.save_dataset(with_cases(content, [case]), actor=actor, why=f"call {call.request_id}")


@transaction.atomic
def add_calls(dataset: str, which: CallFilter, sample: Sample, *, actor: str) -> Added:
    """Draws calls that ask something new: the same seed draws the same ones. Raises `DatasetInvalid`."""
    content = _locked(dataset)
    ids = kept_ids(which)
    wanted = sample.size(len(ids))
    # Not for secrets: the same seed must draw the same calls.
    random.Random(sample.seed).shuffle(ids)  # noqa: S311
    drawing = _Drawing(asked={_asks(case) for case in content.cases})
    cases = list(drawing.draw(read_calls(ids), wanted))
    why = f"{len(cases)} calls of {which.prompt} {which.version}".rstrip()
    grown = with_cases(content, cases)
    version = (
        services.save_dataset(grown, actor=actor, why=why) if cases else services.newest_version(dataset)
    )
    return Added(
        version=version,
        cases=len(cases),
        found=count_calls(which),
        kept=len(ids),
        known=drawing.known,
        unusable=drawing.unusable,
    )


@dataclass(slots=True, kw_only=True)
class _Drawing:
    asked: set[bytes]
    known: int = 0
    unusable: int = 0

    def draw(self, calls: Iterable[KeptCall], wanted: int) -> Iterator[CaseContent]:
        """Up to `wanted` cases that ask nothing twice."""
        left = wanted
        for call in calls if left > 0 else ():
            try:
                case = case_of(call)
            except CallUnusable:
                self.unusable += 1
                continue
            if (asks := _asks(case)) in self.asked:
                self.known += 1
                continue
            self.asked.add(asks)
            yield case
            left -= 1
            if not left:
                return


def _asks(case: CaseContent) -> bytes:
    """What makes two cases one question."""
    return msgspec.json.encode([case.variables, case.messages], order="deterministic")


def _turns(call: KeptCall) -> int:
    """How many of the messages are the prompt's own. Raises `CallUnusable`."""
    if call.prompt is None or call.version is None:
        return 0
    if call.variables is None:
        raise CallUnusable(
            "What the prompt was filled with was not kept: the call is too old, or it was too long."
        )
    try:
        registry.catch_up()
        entry = registry.prompt(call.prompt).versions.get(call.version)
    except PromptError as exc:
        raise CallUnusable(str(exc)) from exc
    if entry is None:
        raise CallUnusable(f"{call.prompt} has no version {call.version} any more.")
    return len(registry.content(entry).turns)


def _locked(dataset: str) -> DatasetContent:
    """The newest version, which nobody changes until we have. Raises `DatasetNotFound`."""
    list(Dataset.objects.select_for_update().filter(name=dataset))
    return services.newest_version(dataset).content
