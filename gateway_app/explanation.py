"""One call explained: what happened when, what it cost and why, and what went wrong."""

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

from gateway_app.figures import plain
from gateway_app.pricing import LONG_CONTEXT, Line, Price, bill
from gateway_app.records import Attempt, CallRecord
from gateway_app.troubles import Trouble, trouble

REASONS = {
    "pinned by caller": "the caller asked for this version",
    "pinned by environment": "the environment pins the prompt to this version",
    "split": "the traffic split gave it to this unit",
    "active": "it was the active version",
}
CACHE = {
    "HIT": "found: the reply was kept from an earlier call",
    "MISS": "nothing kept under this key",
    "COALESCED": "the same question was being asked already: its reply was shared",
    "BYPASS": "not asked, as the caller wished",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """One bar of the timeline. Times in milliseconds after the call began; parsing lies before 0."""

    name: str
    start: float
    end: float
    says: str
    failed: bool = False

    @property
    def took(self) -> float:
        return self.end - self.start


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    moments: tuple[Moment, ...]
    bill: tuple[Line, ...]
    """Empty where nothing was charged for, or the price is not known."""
    cost_says: str
    trouble: Trouble | None
    tokens_per_second: float | None

    @property
    def total(self) -> Decimal:
        """USD, of the bill's lines."""
        return sum((line.cost for line in self.bill), start=Decimal(0))


def explain(call: CallRecord, price: Price | None) -> Explanation:
    """`price` is the one that the call was charged by."""
    lines, says = _cost(call, price)
    return Explanation(
        moments=tuple(_moments(call)),
        bill=lines,
        cost_says=says,
        trouble=trouble(call.outcome, call.error_code),
        tokens_per_second=tokens_per_second(call),
    )


def tokens_per_second(call: CallRecord) -> float | None:
    """Of the reply, from its first token to its end; None where it came at once or not at all."""
    if call.time_to_first_token is None or call.cache == "HIT":
        return None
    writing = call.latency - call.time_to_first_token
    return call.usage.output_tokens / writing if writing > 0.001 and call.usage.output_tokens > 1 else None


def _moments(call: CallRecord) -> Iterator[Moment]:
    if call.parsing is not None:
        yield Moment(name="parse", start=-call.parsing * 1000, end=0, says="request read, key recognised")
    at = 0.0
    for step in call.steps:
        yield Moment(name=step.name, start=at, end=step.at * 1000, says=_step(call, step.name))
        at = step.at * 1000
    for number, attempt in enumerate(call.attempts, start=1):
        yield _attempt(attempt, number=number)
    if call.time_to_first_token is not None:
        at = call.time_to_first_token * 1000
        yield Moment(name="first token", start=at, end=at, says="the first words were there")
    end = call.latency * 1000
    yield Moment(name="end", start=end, end=end, says=_end(call), failed=call.outcome == "error")


def _step(call: CallRecord, name: str) -> str:
    if name == "resolve":
        if call.prompt_name is None:
            return f"no prompt; model {call.model}"
        reason = REASONS.get(call.arm_reason or "", call.arm_reason or "")
        return f"{call.prompt_name} {call.prompt_version}: {reason} (phase {call.phase}); model {call.model}"
    if name == "cache":
        key = f"; key {call.cache_key[:12]}…" if call.cache_key else ""
        return CACHE.get(call.cache or "", "") + key
    return "within the key's limits and budgets"


def _attempt(attempt: Attempt, *, number: int) -> Moment:
    status = f" (HTTP {attempt.status})" if attempt.status else ""
    says = f"{attempt.error}{status}" if attempt.error else "answered"
    return Moment(
        name=f"try {number}",
        start=attempt.at * 1000,
        end=(attempt.at + attempt.seconds) * 1000,
        says=f"{attempt.model} at {attempt.provider}: {says}",
        failed=attempt.error is not None,
    )


def _end(call: CallRecord) -> str:
    if call.outcome == "ok":
        return f"finished: {call.finish_reason}"
    return "the client left" if call.outcome == "cancelled" else f"failed: {call.error_code}"


def _cost(call: CallRecord, price: Price | None) -> tuple[tuple[Line, ...], str]:
    if call.cache == "HIT":
        saved = f"; the first time it cost ${plain(call.saved_usd)}" if call.saved_usd is not None else ""
        return (), f"Nothing: the reply was kept{saved}."
    if not call.usage.total_tokens:
        return (), "Nothing is known to have been used."
    model = call.attempts[-1].model if call.attempts else call.model
    if call.cost_usd is None:
        return (), f"Not known: there is no price of {model}. Add one and later calls will have a cost."
    if price is None:
        return (), f"Charged ${plain(call.cost_usd)}; the price row is gone."
    tier = ""
    if price.long_context and call.usage.input_tokens > LONG_CONTEXT:
        tier = f" The input is above {LONG_CONTEXT:,} tokens, so its dearer tier holds for the whole call."
    return bill(call.usage, price), f"Charged by the price of {model} that held then.{tier}"
