"""The rows that compare: in each round every gateway is asked in turn, so that a slow minute is for all."""

import http.client
import itertools
from collections.abc import Iterator, Sequence
from statistics import median

import uvloop

from benchmarks import asks
from benchmarks.figures import Figures
from benchmarks.gateways import Gateway
from benchmarks.house import House
from benchmarks.load import Asks, Measured, Void, for_seconds, once_each
from benchmarks.machine import cpu_seconds
from llmgateway.ports import LOOPBACK

CONNECTIONS = 32
STREAMS = 400
HITS = ("hit", "chat hit", "chat/stream hit")


def prepare(gateway: Gateway) -> None:
    """Asks once what is to be a hit, and warms everybody up."""
    for kind in ("fill", "fill chat", "hit"):
        if kind in gateway.cases:
            uvloop.run(
                for_seconds(
                    gateway.port, gateway.cases[kind], itertools.repeat(asks.SAME), connections=1, seconds=0.5
                )
            )


def vendor_calls(house: House) -> int:
    """How often the vendor was asked until now."""
    connection = http.client.HTTPConnection(LOOPBACK, house.vendor_port, timeout=5)
    try:
        connection.request("GET", "/count")
        return int(connection.getresponse().read())
    finally:
        connection.close()


def measure(
    house: House, gateway: Gateway, kind: str, *, connections: int, seconds: float, figures: Figures
) -> Measured:
    """Rate, CPU and latency of one kind of request. Raises `Void`, also for a hit that was none."""
    before, cpu = vendor_calls(house), cpu_seconds(gateway.pid)
    numbers: Iterator[int] = itertools.repeat(asks.SAME) if kind in HITS else asks.fresh
    found = uvloop.run(
        for_seconds(gateway.port, gateway.cases[kind], numbers, connections=connections, seconds=seconds)
    )
    asked, answered = vendor_calls(house) - before, len(found.latencies)
    if asked != (0 if kind in HITS else answered):
        raise Void(f"{gateway.name}, {kind}: {answered} answers, and the vendor was asked {asked} times")
    note = f"{kind}, {connections}"
    figures.add(gateway.name, f"{note}: requests/s", found.rate)
    figures.add(gateway.name, f"{note}: p50 ms", median(found.latencies) * 1000)
    figures.add(gateway.name, f"{note}: CPU ms", (cpu_seconds(gateway.pid) - cpu) / answered * 1000)
    return found


def measure_direct(house: House, *, seconds: float, figures: Figures) -> None:
    """The vendor with nobody between: what is not the gateway's, and how fast the load generator can be."""
    for connections in (1, CONNECTIONS):
        direct: Asks = asks.vendor_direct()
        found = uvloop.run(
            for_seconds(house.vendor_port, direct, asks.fresh, connections=connections, seconds=seconds)
        )
        figures.add("vendor", f"miss, {connections}: requests/s", found.rate)
        figures.add("vendor", f"miss, {connections}: p50 ms", median(found.latencies) * 1000)


def measure_streams(gateway: Gateway, *, figures: Figures) -> None:
    """400 at once; times until the first text, and until the end."""
    cpu = cpu_seconds(gateway.pid)
    found = uvloop.run(
        once_each(gateway.port, gateway.cases["stream"], asks.fresh, connections=STREAMS, mark=b"word 00")
    )
    figures.add(gateway.name, "streams: first text p50 s", median(found.first_pieces))
    figures.add(gateway.name, "streams: total p50 s", median(found.latencies))
    figures.add(gateway.name, "streams: CPU ms", (cpu_seconds(gateway.pid) - cpu) / STREAMS * 1000)


def run(
    house: House,
    gateways: Sequence[Gateway],
    rows: set[str],
    *,
    rounds: int,
    seconds: float,
    figures: Figures,
) -> Iterator[str]:
    """Says what it has done after each round."""
    for number in range(1, rounds + 1):
        for gateway in gateways:
            for kind in (*HITS, "miss"):
                if kind in gateway.cases and ("miss" if kind == "miss" else "hit") in rows:
                    measure(house, gateway, kind, connections=CONNECTIONS, seconds=seconds, figures=figures)
            for kind in ("hit", "miss"):
                if kind in gateway.cases and "latency" in rows:
                    measure(house, gateway, kind, connections=1, seconds=seconds / 2, figures=figures)
            if "stream" in gateway.cases and "streams" in rows:
                measure_streams(gateway, figures=figures)
        measure_direct(house, seconds=seconds / 2, figures=figures)
        yield f"round {number} of {rounds}"
