"""One JSON object a log line (or a readable one), for our own events and for every library's."""

import asyncio
import logging
import logging.config
import sys
import time
from datetime import UTC, datetime
from typing import Any, BinaryIO

import msgspec
import structlog

from gateway_app.ids import current_request

EventDict = structlog.typing.EventDict
LEVELS = {"warn": "warning", "exception": "error", "fatal": "critical"}
"""structlog's methods that are not named as their levels."""
QUIET = ("google_genai", "httpx", "httpx2", "langfuse", "asyncio", "websockets", "uvicorn.access")


def configure(*, level: str, form: str) -> None:
    """Sets up structlog and the standard library's loggers; `form` is `json` or `console`."""
    factory: Any = structlog.WriteLoggerFactory()
    if form == "json":
        outlet: Any = Outlet(sys.stdout.buffer)  # all that is needed of a file
        factory = structlog.BytesLoggerFactory(outlet)
    structlog.configure(
        processors=[stamped, *_rendered(form)],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=factory,
        cache_logger_on_first_use=True,
    )
    logging.config.dictConfig(_standard_library(form))


class Outlet:
    """A file of bytes. In an event loop, a moment's lines go out in one system call.

    It keeps the file that it is given: Celery's workers put something else in the place of standard output.
    """

    MOMENT = 0.01
    """Seconds, of which a killed process may leave no line."""

    def __init__(self, out: BinaryIO) -> None:
        self._out = out
        self._due = 0.0
        """When the lines before this one have gone out, unless the loop that was to do it has ended."""

    def write(self, line: bytes) -> int:
        return self._out.write(line)

    def flush(self) -> None:
        if time.monotonic() < self._due:
            return
        try:
            loop = asyncio.get_running_loop()  # in Python 3.11 a system call
        except RuntimeError:
            self._flush()
        else:
            self._due = time.monotonic() + 2 * self.MOMENT
            loop.call_later(self.MOMENT, self._flush)

    def _flush(self) -> None:
        self._due = 0.0
        self._out.flush()


def stamped(logger: Any, method: str, event: EventDict) -> EventDict:
    """With what every line has. One step for structlog's three, in a third of their time."""
    if (request := current_request.get()) is not None:
        event.setdefault("request_id", request)
    event["level"] = LEVELS.get(method, method)
    event["time"] = datetime.now(UTC).isoformat(timespec="microseconds")[: -len("+00:00")] + "Z"
    return event


def _standard_library(form: str) -> dict[str, Any]:
    """Every library's lines in the form of ours."""
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "structured": {
                "()": structlog.stdlib.ProcessorFormatter,
                "processors": [
                    structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                    *_rendered(form),
                    _text,
                ],
                "foreign_pre_chain": [stamped, structlog.stdlib.add_logger_name],
            }
        },
        "filters": {"refusals_in_a_line": {"()": lambda: _without_stack}},
        "handlers": {
            "stdout": {
                "class": "logging.StreamHandler",
                "stream": "ext://sys.stdout",
                "formatter": "structured",
            }
        },
        "root": {"handlers": ["stdout"], "level": "WARNING"},
        "loggers": {
            # Its warnings come by the dozen a second while Postgres is away; our own say it once.
            "psycopg.pool": {"level": "ERROR"},
            "uvicorn": {"level": "INFO"},
            "django": {"level": "WARNING"},
            "django.request": {"filters": ["refusals_in_a_line"]},
            "django.security.DisallowedHost": {"filters": ["refusals_in_a_line"]},
            **{name: {"level": "WARNING"} for name in QUIET},
        },
    }


def _without_stack(record: logging.LogRecord) -> bool:
    """Django refused what somebody asked for, or his name for us: the place in our code says nothing."""
    if record.levelno == logging.WARNING or record.name.startswith("django.security."):
        record.exc_info = None
    return True


def _rendered(form: str) -> list[structlog.typing.Processor]:
    if form == "console":
        return [structlog.processors.format_exc_info, structlog.dev.ConsoleRenderer(colors=False)]
    encode = msgspec.json.Encoder(enc_hook=str).encode

    def as_json(logger: Any, method: str, event: EventDict) -> bytes:
        if "exc_info" in event:
            event = structlog.processors.format_exc_info(logger, method, event)
        return encode(event)

    return [as_json]


def _text(logger: Any, method: str, line: Any) -> str:
    """The standard library's handlers write no bytes."""
    return line.decode() if isinstance(line, bytes) else str(line)
