"""What a finished call adds to the instruments."""

from collections import Counter, deque
from collections.abc import Mapping
from functools import cache

import structlog

from gateway_app.exceptions import CircuitOpen
from gateway_app.metrics import instruments
from gateway_app.metrics.bounded_names import OTHER, BoundedNames
from gateway_app.metrics.tally import tally
from gateway_app.pricing import Part, parts
from gateway_app.records import CallRecord
from gateway_app.requests import ChatRequest

log = structlog.get_logger()

# Looking a label set up costs more than counting, so each is looked up once; their number is bounded.
_calls = cache(instruments.CALLS.labels)
_latency = cache(instruments.LATENCY.labels)
_first_token = cache(instruments.FIRST_TOKEN.labels)
_overhead = cache(instruments.OVERHEAD.labels)
_upstream = cache(instruments.UPSTREAM.labels)
_upstream_errors = cache(instruments.UPSTREAM_ERRORS.labels)
_retries = cache(instruments.RETRIES.labels)
_tokens = cache(instruments.TOKENS.labels)
_cost = cache(instruments.COST.labels)
_saved = cache(instruments.SAVED.labels)
_unpriced = cache(instruments.UNPRICED.labels)
_prompt_calls = cache(instruments.PROMPT_CALLS.labels)

KINDS: Mapping[Part, str] = {
    "input": "input",
    "audio input": "audio_input",
    "cached input": "cached",
    "cached audio": "cached_audio",
    "output": "output",
    "audio output": "audio_output",
    "thinking": "thinking",
}
models = BoundedNames(limit=100)
"""The catalogue's, and the first of those newer than it that have answered."""
_prompts = BoundedNames(limit=200)
_versions = BoundedNames(limit=500)

open_calls: Counter[tuple[str, bool]] = Counter()
"""(surface, streamed) -> calls under way; a gauge shows it once a second, cheaper than twice a call."""


_ended: deque[CallRecord] = deque()
"""Calls that wait to be looked at: many together take less time than one by one between other things."""
TOGETHER = 100
"""At the most, so that nobody waits for long meanwhile."""


def began(request: ChatRequest) -> None:
    """To be followed by `observe` with the record of the same call."""
    open_calls[request.surface, request.stream] += 1


def observe(record: CallRecord) -> None:
    """Of a call that ended, however it ended. Never raises: nobody's reply depends on it."""
    open_calls[record.surface, record.streamed] -= 1
    _ended.append(record)
    if len(_ended) < TOGETHER:
        tally.when_due(_observe_ended)
    else:
        _observe_ended()


def _observe_ended() -> None:
    while _ended:
        try:
            _observe(_ended.popleft())
        except OSError as exc:  # no room for another series
            log.warning("metrics_full", error=str(exc))


def _observe(record: CallRecord) -> None:
    state = record.cache or ""
    tally.add(_calls(record.surface, record.outcome, record.error_code or "", state))
    tally.observe(_latency(record.surface, state), record.latency)
    # Only a prompt that exists has a version.
    prompt = _prompts.label(record.prompt_name, proven=record.prompt_version is not None)
    if prompt:
        tally.add(_prompt_calls(prompt, _version(record, prompt), record.outcome))
    if record.attempts:
        _observe_tries(record)
    # Who joined another's call pays for it only if the other left.
    if record.attempts or record.cost_usd:
        _observe_spending(record, prompt)
    elif record.saved_usd:
        tally.add(_saved(models.label(record.model, proven=True)), float(record.saved_usd))


def _observe_tries(record: CallRecord) -> None:
    if record.streamed and record.time_to_first_token is not None:
        tally.observe(_first_token(record.surface), record.time_to_first_token)
    if record.outcome == "ok" and len(record.attempts) == 1:
        tally.observe(_overhead(record.surface), max(0.0, record.latency - record.upstream))
    failed: str | None = None
    for attempt in record.attempts:
        model = models.label(attempt.model, proven=attempt.error is None and record.outcome == "ok")
        if attempt.error != CircuitOpen.code:  # else nobody was asked
            tally.observe(_upstream(attempt.provider, model), attempt.seconds)
        if attempt.error:
            tally.add(_upstream_errors(attempt.provider, model, attempt.error))
        if failed:
            tally.add(_retries(attempt.provider, model, failed))
        failed = attempt.error


def _version(record: CallRecord, prompt: str) -> str:
    if prompt == OTHER or record.prompt_version is None:
        return OTHER
    full = f"{prompt}@{record.prompt_version}"
    return OTHER if _versions.label(full, proven=True) == OTHER else record.prompt_version


def _observe_spending(record: CallRecord, prompt: str) -> None:
    answered = record.outcome == "ok"
    tried = record.attempts[-1].model if record.attempts else record.model
    model = models.label(tried, proven=answered)
    for part, count in parts(record.usage).items():
        if count > 0:
            tally.add(_tokens(model, KINDS[part]), count)
    if record.cost_usd:
        tally.add(_cost(model, prompt), float(record.cost_usd))
    elif answered and record.cost_usd is None:
        tally.add(_unpriced(model))
