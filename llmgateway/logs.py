"""One JSON object a log line (or a readable one), for our own events and for every library's."""

import logging
import logging.config
from typing import Any

import msgspec
import structlog

QUIET = ("google_genai", "httpx", "httpx2", "langfuse", "asyncio", "websockets", "uvicorn.access")


def configure(*, level: str, form: str) -> None:
    """Sets up structlog and the standard library's loggers; `form` is `json` or `console`."""
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="time"),
    ]
    structlog.configure(
        processors=[*shared, structlog.processors.format_exc_info, _renderer(form)],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.WriteLoggerFactory(),
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
            **{name: {"level": "WARNING"} for name in QUIET},
        },
    }


def _without_stack(record: logging.LogRecord) -> bool:
    """Where Django warns, it refused what somebody asked for: the place in our code says nothing."""
    if record.levelno == logging.WARNING:
        record.exc_info = None
    return True


def _renderer(form: str) -> structlog.typing.Processor:
    if form == "console":
        return structlog.dev.ConsoleRenderer(colors=False)
    encode = msgspec.json.Encoder(enc_hook=str).encode
    return structlog.processors.JSONRenderer(serializer=lambda event, **_: encode(event).decode())
