"""The simulator's own endpoints under `/_sim`: what it has seen, and what it shall do wrong."""

import msgspec
from aiohttp import web

from gateway_app.testing.counters import Counters
from gateway_app.testing.faults import FaultOrder, FaultQueue
from gateway_app.testing.request_log import MAX_REQUESTS
from gateway_app.testing.wire.errors import invalid_argument


class ControlRoutes:
    def __init__(self, counters: Counters, faults: FaultQueue) -> None:
        self._counters = counters
        self._faults = faults

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/_sim/stats", self.stats),
            web.delete("/_sim/stats", self.reset_stats),
            web.get("/_sim/requests", self.requests),
            web.post("/_sim/faults", self.add_fault),
            web.delete("/_sim/faults", self.clear_faults),
        ]

    async def stats(self, request: web.Request) -> web.Response:
        return _json(self._counters.stats())

    async def reset_stats(self, request: web.Request) -> web.Response:
        self._counters.reset()
        return web.Response(status=204)

    async def requests(self, request: web.Request) -> web.Response:
        limit = request.query.get("limit", str(MAX_REQUESTS))
        if not limit.isascii() or not limit.isdigit():
            raise invalid_argument("limit takes a whole number from 0.")
        return _json(self._counters.requests.last(int(limit[:9])))

    async def add_fault(self, request: web.Request) -> web.Response:
        try:
            self._faults.add(msgspec.json.decode(await request.read(), type=FaultOrder))
        except msgspec.DecodeError as exc:
            raise invalid_argument(f"Not a fault: {exc}") from exc
        return web.Response(status=204)

    async def clear_faults(self, request: web.Request) -> web.Response:
        self._faults.clear()
        return web.Response(status=204)


def _json(value: object) -> web.Response:
    return web.Response(body=msgspec.json.encode(value), content_type="application/json")
