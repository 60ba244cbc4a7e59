"""What a finished call adds to the instruments."""

from collections.abc import Callable
from decimal import Decimal

import pytest
from msgspec.structs import replace

from gateway_app.metrics import instruments, observing
from gateway_app.metrics.bounded_names import BoundedNames
from gateway_app.records import CallRecord
from gateway_app.requests import Caller, ChatRequest
from gateway_app.tests.traced_calls import TRY, answered, failed, hit, refused, retried

Grown = Callable[..., float]


def value(name: str, **labels: str) -> float:
    return instruments.REGISTRY.get_sample_value(name, labels) or 0.0


@pytest.fixture
def observed() -> Callable[[CallRecord], Grown]:
    """`observed(call)(name, **labels)`: by how much the call made the sample grow."""

    def observe(call: CallRecord) -> Grown:
        before = {
            (sample.name, tuple(sorted(sample.labels.items()))): sample.value
            for family in instruments.REGISTRY.collect()
            for sample in family.samples
        }
        observing.observe(call)

        def grown(name: str, **labels: str) -> float:
            return value(name, **labels) - before.get((name, tuple(sorted(labels.items()))), 0.0)

        return grown

    return observe


def test_a_call_is_counted_by_surface_outcome_code_and_cache(
    observed: Callable[[CallRecord], Grown],
) -> None:
    grown = observed(answered())
    assert grown("gateway_calls_total", surface="chat", outcome="ok", code="", cache="MISS") == 1
    grown = observed(failed())
    assert (
        grown("gateway_calls_total", surface="chat", outcome="error", code="provider_timeout", cache="MISS")
        == 1
    )


def test_a_refused_call_is_counted_under_its_code(observed: Callable[[CallRecord], Grown]) -> None:
    grown = observed(refused())
    labels = {"surface": "chat", "outcome": "error", "code": "rate_limit_exceeded", "cache": "MISS"}
    assert grown("gateway_calls_total", **labels) == 1


def test_times_are_in_seconds(observed: Callable[[CallRecord], Grown]) -> None:
    grown = observed(answered())
    assert grown("gateway_call_seconds_sum", surface="chat", cache="MISS") == pytest.approx(0.75)
    assert grown("gateway_first_token_seconds_sum", surface="chat") == pytest.approx(0.21)
    assert grown("gateway_overhead_seconds_sum", surface="chat") == pytest.approx(0.05)
    assert grown(
        "gateway_upstream_seconds_sum", provider="gemini", model="gemini-2.5-flash"
    ) == pytest.approx(0.7)


def test_a_whole_reply_has_no_first_token(observed: Callable[[CallRecord], Grown]) -> None:
    grown = observed(answered(streamed=False))
    assert grown("gateway_first_token_seconds_count", surface="chat") == 0


def test_each_token_is_of_one_kind(observed: Callable[[CallRecord], Grown]) -> None:
    grown = observed(answered())
    kinds = ("input", "cached", "output", "thinking")
    found = [grown("gateway_tokens_total", model="gemini-2.5-flash", kind=kind) for kind in kinds]
    assert found == [60, 40, 30, 12]


def test_what_a_call_cost_is_told_by_model_and_prompt(observed: Callable[[CallRecord], Grown]) -> None:
    grown = observed(answered())
    cost = grown("gateway_cost_usd_total", model="gemini-2.5-flash", prompt="summarizer")
    assert cost == pytest.approx(0.0001242)


def test_an_unknown_price_is_a_count_not_a_cost(observed: Callable[[CallRecord], Grown]) -> None:
    grown = observed(answered(cost_usd=None))
    assert grown("gateway_unpriced_calls_total", model="gemini-2.5-flash") == 1
    assert grown("gateway_cost_usd_total", model="gemini-2.5-flash", prompt="summarizer") == 0


def test_a_hit_saves_and_uses_nothing(observed: Callable[[CallRecord], Grown]) -> None:
    observing.observe(answered())
    grown = observed(hit())
    assert grown("gateway_saved_usd_total", model="gemini-2.5-flash") == pytest.approx(0.0001242)
    assert grown("gateway_tokens_total", model="gemini-2.5-flash", kind="input") == 0
    assert grown("gateway_upstream_seconds_count", provider="gemini", model="gemini-2.5-flash") == 0


def test_who_joins_anothers_call_uses_nothing_unless_the_other_left(
    observed: Callable[[CallRecord], Grown],
) -> None:
    joined = {"cache": "COALESCED", "attempts": ()}
    grown = observed(answered(**joined, cost_usd=Decimal(0)))
    assert grown("gateway_tokens_total", model="gemini-2.5-flash", kind="output") == 0
    grown = observed(answered(**joined))
    assert grown("gateway_tokens_total", model="gemini-2.5-flash", kind="output") == 30


def test_a_retry_is_told_by_what_it_followed(observed: Callable[[CallRecord], Grown]) -> None:
    observing.observe(answered())
    grown = observed(retried())
    labels = {"provider": "gemini", "model": "gemini-2.5-flash", "after": "provider_unavailable"}
    assert grown("gateway_retries_total", **labels) == 1
    assert (
        grown("gateway_upstream_errors_total", provider="gemini", model="other", code="provider_unavailable")
        == 1
    )


def test_a_try_that_an_open_circuit_refused_took_no_vendors_time(
    observed: Callable[[CallRecord], Grown],
) -> None:
    left_alone = replace(TRY, seconds=0.0, error="circuit_open")
    grown = observed(answered(attempts=(left_alone, TRY)))
    model = {"provider": "gemini", "model": "gemini-2.5-flash"}
    assert grown("gateway_upstream_seconds_count", **model) == 1
    assert grown("gateway_upstream_errors_total", **model, code="circuit_open") == 1


def test_calls_under_way_are_counted_until_they_end() -> None:
    caller = Caller(project_id=None, project="p")
    observing.began(ChatRequest(request_id="r", caller=caller, surface="eval", stream=False))
    assert observing.open_calls["eval", False] == 1
    observing.observe(answered(surface="eval", streamed=False))
    assert observing.open_calls["eval", False] == 0


def test_names_that_callers_make_up_are_one_label(observed: Callable[[CallRecord], Grown]) -> None:
    grown = observed(answered(prompt_name="made-up", prompt_version=None, outcome="error", error_code="x"))
    assert grown("gateway_prompt_calls_total", prompt="other", version="other", outcome="error") == 1


def test_label_values_are_bounded() -> None:
    names = BoundedNames(limit=2)
    assert [names.label(name, proven=True) for name in ("a", "b", "c", "a")] == ["a", "b", "other", "a"]
    assert names.label("d", proven=False) == "other"
    assert names.label(None, proven=True) == ""


def test_names_that_the_operator_wrote_need_no_proof() -> None:
    names = BoundedNames(limit=1)
    names.know(["a", "b"])
    assert [names.label(name, proven=False) for name in ("a", "b", "c")] == ["a", "b", "other"]
