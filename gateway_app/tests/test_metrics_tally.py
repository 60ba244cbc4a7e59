"""Counts and observations wait a moment in memory, and none is lost."""

import asyncio

import pytest
from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest

from gateway_app.metrics.tally import MOMENT, Tally


def a_counter() -> tuple[Counter, CollectorRegistry]:
    registry = CollectorRegistry()
    return Counter("things", "Things", registry=registry), registry


def test_without_an_event_loop_a_count_is_there_at_once() -> None:
    counter, registry = a_counter()
    Tally().add(counter, 2)
    assert registry.get_sample_value("things_total") == 2


async def test_in_an_event_loop_counts_are_added_up_and_there_after_a_moment() -> None:
    (counter, registry), tally = a_counter(), Tally()
    tally.add(counter)
    tally.add(counter, 2)
    assert registry.get_sample_value("things_total") == 0
    await asyncio.sleep(2 * MOMENT)
    assert registry.get_sample_value("things_total") == 3


def test_what_waited_in_a_loop_that_ended_comes_with_the_next_count() -> None:
    (counter, registry), tally = a_counter(), Tally()

    async def add() -> None:
        tally.add(counter)

    asyncio.run(add())
    tally.add(counter)
    assert registry.get_sample_value("things_total") == 2


@pytest.mark.parametrize("amounts", [[], [0.0], [0.1], [0.1, 0.5, 0.5, 1.0, 3.0], [float("inf")]])
async def test_observations_that_waited_are_as_those_that_did_not(amounts: list[float]) -> None:
    pages = []
    for waits in (False, True):
        registry, tally = CollectorRegistry(), Tally()
        histogram = Histogram("seconds", "Seconds", buckets=(0.1, 0.5, 1), registry=registry)
        for amount in amounts:
            tally.observe(histogram, amount) if waits else histogram.observe(amount)
        tally.flush()
        page = generate_latest(registry).decode().splitlines()
        pages.append([line for line in page if "created" not in line])
    assert pages[0] == pages[1]


async def test_work_that_fails_does_not_stop_what_comes_after_it() -> None:
    (counter, registry), tally = a_counter(), Tally()

    def fails() -> None:
        raise ValueError("a call that cannot be counted")

    told: list[str] = []
    asyncio.get_running_loop().set_exception_handler(
        lambda loop, context: told.append(str(context["exception"]))
    )
    tally.when_due(fails)
    await asyncio.sleep(2 * MOMENT)
    assert told == ["a call that cannot be counted"]
    tally.add(counter)
    await asyncio.sleep(2 * MOMENT)
    assert registry.get_sample_value("things_total") == 1
