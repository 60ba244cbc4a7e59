"""The table: every row of `make torture`, by the name that selects it."""

from collections.abc import Mapping

from torture.rows import Row, Scenario
from torture.scenarios import (
    herd,
    hostile_bodies,
    hostile_sockets,
    killed_workers,
    leaving,
    limits,
    postgres_outage,
    redis_outage,
    redis_values,
    soak,
    stopped_workers,
    tenants,
    tracing_hosts,
    vendor_faults,
)

ALWAYS: Mapping[str, Row] = {
    "tenants": Row((Scenario(tenants.mixed),), chunk_delay=0.0),
    "leaving": Row((Scenario(leaving.clients_leave),)),
    "redis": Row(
        (
            Scenario(redis_outage.hangs),
            Scenario(redis_outage.dies),
            Scenario(redis_outage.link_hangs),
            Scenario(redis_outage.is_full),
            Scenario(redis_values.replies_are_damaged),
            Scenario(redis_values.what_is_ours_is_something_else),
        ),
    ),
    "postgres": Row(
        (
            Scenario(postgres_outage.stops),
            Scenario(postgres_outage.hangs),
            Scenario(postgres_outage.has_no_connection_left),
            Scenario(postgres_outage.away_at_the_start),
        ),
    ),
    "upstream": Row(
        (Scenario(vendor_faults.answers_are_wrong), Scenario(vendor_faults.its_connection_fails)),
        environment={"REQUEST_TIMEOUT": f"{vendor_faults.DEADLINE:g}"},
    ),
    "kills": Row((Scenario(killed_workers.workers_are_killed),), bound=400.0),
    "stops": Row(
        (Scenario(stopped_workers.workers_are_replaced), Scenario(stopped_workers.the_gateway_is_stopped))
    ),
    "herd": Row((Scenario(herd.is_one_call), Scenario(herd.loses_its_leader))),
    "limits": Row(
        (
            Scenario(limits.requests_a_minute),
            Scenario(limits.requests_at_once),
            Scenario(limits.a_budget),
        )
    ),
    "hostile": Row(
        (
            Scenario(hostile_bodies.are_too_large),
            Scenario(hostile_bodies.are_too_deep),
            Scenario(hostile_bodies.never_end),
            Scenario(hostile_sockets.send_headers_slowly),
            Scenario(hostile_sockets.open_many_sockets),
            Scenario(hostile_sockets.do_not_read),
        )
    ),
}
"""Those that take as long as they take."""


def rows(*, soak_seconds: float, tracing_seconds: float) -> dict[str, Row]:
    """`soak_seconds`: of mixed load; `tracing_seconds`: with healthy, dead and hanging hosts each."""
    return {
        **ALWAYS,
        "tracing": Row(
            (Scenario(tracing_hosts.are_dead_or_hang, {"seconds": tracing_seconds}),),
            environment=tracing_hosts.ENVIRONMENT,
            bound=120 + 4 * tracing_seconds,
        ),
        "soak": Row(
            (Scenario(soak.stays_flat, {"seconds": soak_seconds}),),
            bound=120 + soak_seconds,
        ),
    }
