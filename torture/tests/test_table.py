"""The table in its short form: each promise with small numbers, one after the other on one system.

How much slower others get is for `make torture` on a quiet machine to say.
"""

from torture.scenarios import (
    herd,
    hostile_bodies,
    killed_workers,
    leaving,
    limits,
    postgres_outage,
    redis_values,
    stopped_workers,
    tenants,
    vendor_faults,
)
from torture.tests.conftest import Play

FEW = ("stall after=2", "cut after=2", "malformed after=0", "429 retry=1")


async def test_no_reply_crosses_from_one_project_to_another(play: Play) -> None:
    await play(tenants.mixed, requests=300, projects=5, at_once=16)


async def test_a_client_that_leaves_takes_its_call_to_the_vendor_with_it(play: Play) -> None:
    await play(leaving.clients_leave, each=3, at_once=3)


async def test_a_vendor_that_goes_wrong_is_told_of_in_time(play: Play) -> None:
    wrongs = tuple(wrong for wrong in vendor_faults.WRONGS if wrong.fault in FEW)
    await play(vendor_faults.answers_are_wrong, each=1, wrongs=wrongs)


async def test_a_herd_is_one_call_to_the_vendor(play: Play) -> None:
    await play(herd.is_one_call, callers=40)


async def test_limits_admit_exactly(play: Play) -> None:
    await play(limits.requests_a_minute, requests=80, limit=17)
    await play(limits.requests_at_once, requests=60, limit=7)


async def test_what_is_damaged_in_redis_is_a_miss(play: Play) -> None:
    await play(redis_values.replies_are_damaged, rounds=2)
    await play(redis_values.what_is_ours_is_something_else)


async def test_bodies_that_are_too_large_or_too_deep_are_refused_early(play: Play) -> None:
    await play(hostile_bodies.are_too_large)
    await play(hostile_bodies.are_too_deep)


async def test_workers_are_replaced_without_a_failed_stream(play: Play) -> None:
    await play(stopped_workers.workers_are_replaced, rounds=1, streams=12)


async def test_killed_workers_lose_nothing_and_hold_nothing(play: Play) -> None:
    await play(killed_workers.workers_are_killed, kills=2, callers=4)


async def test_without_postgres_what_is_warm_is_served(play: Play) -> None:
    await play(postgres_outage.stops, requests=40)
