"""One JSON object a log line (or a readable one), for our own events and for every library's."""

import asyncio
import atexit
import logging
import logging.config
import sys
from datetime import UTC, datetime
from typing import Any

import msgspec
import structlog

QUIET = ("google_genai", "httpx", "httpx2", "langfuse", "asyncio", "websockets", "uvicorn.access")


def configure(*, level: str, form: str) -> None:
    """Sets up structlog and the standard library's loggers; `form` is `json` or `console`."""
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        _stamp,
    ]
    structlog.configure(
        processors=[*shared, structlog.processors.format_exc_info, _renderer(form)],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=lambda *_: lines,
        cache_logger_on_first_use=True,
    )
    logging.config.dictConfig(_standard_library(shared, form))


def _standard_library(shared: list[structlog.typing.Processor], form: str) -> dict[str, Any]:
    """Every library's lines in the form of ours."""
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "structured": {
                "()": structlog.stdlib.ProcessorFormatter,
                "processors": [
                    structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                    structlog.processors.format_exc_info,
                    _renderer(form),
                ],
                "foreign_pre_chain": [*shared, structlog.stdlib.add_logger_name],
            }
        },
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
            **{name: {"level": "WARNING"} for name in QUIET},
        },
    }


def _stamp(logger: Any, method: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
    event["time"] = f"{datetime.now(UTC).replace(tzinfo=None).isoformat(timespec='microseconds')}Z"
    return event


class Lines:
    """structlog's last step. In an event loop, the lines of a moment go out together, in one system call."""

    MOMENT = 0.01
    """Seconds."""

    def __init__(self) -> None:
        self._lines: list[str] = []
        self._loop: asyncio.AbstractEventLoop | None = None
        """Where the next flush is due; it may have ended without one."""
        atexit.register(self.flush)

    def msg(self, line: str) -> None:
        self._lines.append(line)
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            self.flush()
            return
        if self._loop is not loop:
            self._loop = loop
            loop.call_later(self.MOMENT, self.flush)

    debug = info = warning = error = critical = exception = msg

    def flush(self) -> None:
        waiting, self._lines, self._loop = self._lines, [], None
        if waiting:
            sys.stdout.write("\n".join(waiting) + "\n")
            sys.stdout.flush()


lines = Lines()
"""Of this process."""


def _renderer(form: str) -> structlog.typing.Processor:
    if form == "console":
        return structlog.dev.ConsoleRenderer(colors=False)
    encode = msgspec.json.Encoder(enc_hook=str).encode
    return structlog.processors.JSONRenderer(serializer=lambda event, **_: encode(event).decode())
