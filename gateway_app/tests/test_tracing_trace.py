"""A call laid out as a trace."""

from decimal import Decimal

import pytest

from gateway_app.tests.traced_calls import ANSWERED, answered, hit, refused, retried
from gateway_app.tracing.trace import lay_out


def test_ids_are_the_same_each_time_and_differ_from_call_to_call() -> None:
    first, again, other = lay_out(retried()), lay_out(ANSWERED), lay_out(ANSWERED)
    assert again == other
    ids = [span for trace in (first, again) for span in (trace.root_id, *(g.id for g in trace.generations))]
    assert len(set(ids)) == len(ids) == 5


def test_what_a_call_used_is_in_exactly_one_place() -> None:
    generations = lay_out(retried()).generations
    assert [generation.usage is not None for generation in generations] == [False, True]
    assert [generation.cost_usd is not None for generation in generations] == [False, True]


def test_who_joins_anothers_call_used_nothing() -> None:
    joined = lay_out(answered(cache="COALESCED", attempts=(), cost_usd=Decimal(0)))
    assert joined.generations == ()
    assert joined.from_cache


def test_who_pays_for_a_call_whose_first_asker_left_has_its_usage_and_cost() -> None:
    [generation] = lay_out(answered(cache="COALESCED", attempts=())).generations
    assert (generation.attempt.model, generation.cost_usd) == ("gemini-2.5-flash", ANSWERED.cost_usd)
    assert generation.usage == ANSWERED.usage


def test_a_hit_comes_from_the_cache_and_a_refusal_does_not() -> None:
    assert lay_out(hit()).from_cache
    assert not lay_out(refused()).from_cache


@pytest.mark.parametrize(
    ("version", "number"), [("v7", 7), ("12", 12), ("2024-05", None), ("final", None), (None, None)]
)
def test_a_version_is_linked_by_its_number_where_it_has_one(version: str | None, number: int | None) -> None:
    assert lay_out(answered(prompt_version=version)).prompt_number == number
