"""The Gemini simulator, in this process or on its own: `python -m gateway_app.testing.simulator`.

OpenAI and Anthropic answer at the same address.
"""

import argparse
import asyncio
import math
import signal
import sys
from collections.abc import Callable
from types import TracebackType
from typing import Any, Self

import msgspec
from aiohttp import web

from gateway_app.testing.anthropic_app import AnthropicApp
from gateway_app.testing.counters import Stats
from gateway_app.testing.faults import FaultOrder
from gateway_app.testing.gemini_app import GeminiApp
from gateway_app.testing.openai_app import OpenAIApp
from gateway_app.testing.openai_embeddings import OpenAIEmbeddings
from gateway_app.testing.request_log import Received

DEFAULT_PORT = 9090
DEFAULT_CHUNK_DELAY_MS = 20


class Simulator:
    """Serves on `url` within `async with`, in the running event loop.

    Raises `OSError` on entering where the port is taken.
    """

    def __init__(self, *, host: str = "127.0.0.1", port: int = 0, chunk_delay_ms: float = 0) -> None:
        self.host = host
        self.port = port
        """0 takes a free one; it stands here once the simulator serves."""
        self._app = GeminiApp(chunk_delay=chunk_delay_ms / 1000)

    @property
    def url(self) -> str:
        return f"http://{f'[{self.host}]' if ':' in self.host else self.host}:{self.port}"

    async def fault(self, kind: str, *, times: int = 1, **options: Any) -> None:
        """Lets the next `times` calls suffer `kind`; `options` are the fields of `faults.Fault`.

        Raises `msgspec.ValidationError` where there is no such fault.
        """
        self._app.faults.add(msgspec.convert({"fault": kind, "times": times, **options}, FaultOrder))

    def clear_faults(self) -> None:
        self._app.faults.clear()

    def stats(self) -> Stats:
        return self._app.counters.stats()

    def reset_stats(self) -> None:
        self._app.counters.reset()

    def requests(self, limit: int = 200) -> list[Received]:
        """The last requests, the newest last."""
        return self._app.counters.requests.last(limit)

    def _application(self) -> web.Application:
        gemini = self._app
        application = gemini.application()
        for vendor in (OpenAIApp, AnthropicApp):
            other = vendor(counters=gemini.counters, faults=gemini.faults, chunk_delay=gemini.chunk_delay)
            application.router.add_routes([other.route()])
        embeddings = OpenAIEmbeddings(counters=gemini.counters, faults=gemini.faults)
        application.router.add_routes([embeddings.route()])
        return application

    async def __aenter__(self) -> Self:
        self._runner = web.AppRunner(
            self._application(), handler_cancellation=True, access_log=None, shutdown_timeout=0.01
        )
        await self._runner.setup()
        try:
            await web.TCPSite(self._runner, self.host, self.port, backlog=1024).start()
        except OSError:
            await self._runner.cleanup()
            raise
        self.port = self._runner.addresses[0][1]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._runner.cleanup()


def run(simulator: Simulator, announce: Callable[[str], object]) -> None:
    """Serves until SIGTERM or SIGINT; `announce` gets `listening on <url>` once it does.

    Raises `OSError` where the port is taken.
    """
    asyncio.run(_serve(simulator, announce))


async def _serve(simulator: Simulator, announce: Callable[[str], object]) -> None:
    stopped = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    async with simulator:
        announce(f"listening on {simulator.url}")
        await stopped.wait()


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=_port, default=DEFAULT_PORT, help="0 takes a free one")
    parser.add_argument(
        "--chunk-delay-ms",
        type=_milliseconds,
        default=DEFAULT_CHUNK_DELAY_MS,
        help="pause between two chunks of a stream",
    )


def _port(text: str) -> int:
    if not text.isdigit() or int(text) > 65_535:
        raise argparse.ArgumentTypeError(f"a port is a number from 0 to 65535, not {text}")
    return int(text)


def _milliseconds(text: str) -> float:
    number = float(text)
    if not math.isfinite(number) or number < 0:
        raise argparse.ArgumentTypeError(f"a delay is a number from 0, not {text}")
    return number


def _main() -> None:
    parser = argparse.ArgumentParser(prog="python -m gateway_app.testing.simulator", description=__doc__)
    add_arguments(parser)
    parser.add_argument("--announce", action="store_true", help="print one line when it listens")
    chosen = parser.parse_args()
    simulator = Simulator(host=chosen.host, port=chosen.port, chunk_delay_ms=chosen.chunk_delay_ms)
    try:
        run(simulator, _print_line if chosen.announce else lambda line: None)
    except OSError as exc:
        sys.exit(f"fake_gemini: {exc}")


def _print_line(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    _main()
