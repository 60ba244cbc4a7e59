"""The one reader of the environment: `read()` gives every value that comes from outside, typed."""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from llmgateway.env_values import InvalidEnvironment as InvalidEnvironment
from llmgateway.env_values import Reader

ROOT = Path(__file__).resolve().parent.parent
EMBEDDED_ENV = ROOT / "var" / "embedded.env"
"""Written by `make run`: where its servers are, so that `manage.py` finds them too."""
ENV_FILES = "LLMGATEWAY_ENV_FILES"
"""Names the files to read instead of `.env` and the above, separated as in PATH."""

PIN = re.compile(r"^([A-Z0-9_]+)_PROMPT_VERSION$")


@dataclass(frozen=True, kw_only=True)
class Environment:
    debug: bool
    secret_key: str = field(repr=False)
    allowed_hosts: list[str]
    csrf_trusted_origins: list[str]
    cors_allowed_origins: list[str]
    https_only: bool
    """Redirect to HTTPS, secure cookies, HSTS. Off by default only with DEBUG."""
    behind_proxy: bool
    """Believe `X-Forwarded-Proto`: only where a proxy of ours sets it."""
    database: dict[str, Any] = field(repr=False)
    redis_url: str = field(repr=False)
    database_pool_size: int
    log_format: str
    log_level: str
    log_prompts: bool
    port: int
    web_workers: int
    cache_ttl: int
    """Seconds that a reply stays in the cache; 0 turns the cache off."""
    allow_anonymous: bool
    max_body_bytes: int
    ledger_retention_months: int
    """Whole months of calls that are kept besides the present one; 0 keeps all."""
    masks_file: Path
    """YAML that says what is masked in content that is kept."""
    image_url_hosts: list[str]
    """Hosts that images may be fetched from: names, `*.` for all below one, `:port` behind where not 443."""
    image_urls_allow_private: bool
    """Those hosts may have addresses that are not public."""
    request_timeout: float
    """Seconds that one call may take in all."""
    first_token_timeout: float
    idle_timeout: float
    """Seconds between two chunks of a stream."""
    slow_reader_timeout: float
    """Seconds in which a client takes nothing at all, after which its connection is dropped."""
    circuit_failures: int
    """In a row, after which a model is left alone for a while."""
    default_model: str
    gemini_api_key: str = field(repr=False)
    gemini_base_url: str
    gemini_transport: str
    openai_api_key: str = field(repr=False)
    openai_base_url: str
    anthropic_api_key: str = field(repr=False)
    anthropic_base_url: str
    langfuse_host: str
    langfuse_public_key: str
    langfuse_secret_key: str = field(repr=False)
    trace_url: str
    otlp_endpoint: str
    judge_model: str
    """Judges evaluations; empty: the default model."""
    embedding_model: str
    """Makes the vectors of semantic similarity."""
    require_eval: bool
    """A prompt version is published only after an evaluation that it passed."""
    require_review: bool
    """Whoever wrote a prompt version cannot publish it."""
    webhooks_allow_private: bool
    """Webhooks may go to addresses that are not public: this machine, the network around it."""
    otlp_headers: dict[str, str] = field(repr=False)
    metrics_token: str = field(repr=False)
    """Opens `/metrics`; without one it is open where anonymous calls are."""
    prompt_pins: dict[str, str]
    """Prompt name in upper case with `_` -> version, from `<PROMPT>_PROMPT_VERSION`."""


def read(environment: Mapping[str, str] | None = None) -> Environment:
    """Every setting from `environment`, or from the process, `.env` and a running `make run`, in that order.

    Raises `InvalidEnvironment` with one line that names the variable.
    """
    source = environment if environment is not None else process_environment()
    reader = Reader(source)
    debug = reader.boolean("DEBUG", False)
    return Environment(
        debug=debug,
        secret_key=reader.secret_key(debug),
        allowed_hosts=reader.words("ALLOWED_HOSTS", [".localhost", "127.0.0.1", "[::1]"]),
        csrf_trusted_origins=reader.origins("CSRF_TRUSTED_ORIGINS"),
        cors_allowed_origins=reader.origins("CORS_ALLOWED_ORIGINS"),
        https_only=reader.boolean("HTTPS_ONLY", not debug),
        behind_proxy=reader.boolean("BEHIND_PROXY", False),
        database=reader.database("DATABASE_URL"),
        database_pool_size=reader.integer("DATABASE_POOL_SIZE", 10, least=2),
        redis_url=reader.url("REDIS_URL", "redis://127.0.0.1:6379/0", ("redis", "rediss", "unix")),
        log_format=reader.choice("LOG_FORMAT", "json", ("json", "console")),
        log_level=reader.choice("LOG_LEVEL", "INFO", ("DEBUG", "INFO", "WARNING", "ERROR")),
        log_prompts=reader.boolean("LOG_PROMPTS", False),
        port=reader.integer("PORT", 8000, least=1, most=65535),
        web_workers=reader.integer("WEB_WORKERS", 1, least=1),
        cache_ttl=reader.integer("CACHE_TTL", 3600, least=0),
        allow_anonymous=reader.boolean("GATEWAY_ALLOW_ANONYMOUS", debug),
        max_body_bytes=reader.integer("MAX_BODY_BYTES", 10 * 1024 * 1024, least=1024),
        ledger_retention_months=reader.integer("LEDGER_RETENTION_MONTHS", 12, least=0),
        masks_file=reader.file("MASKS_FILE", ROOT / "fixtures" / "masks.yaml"),
        image_url_hosts=reader.hosts("IMAGE_URL_HOSTS"),
        image_urls_allow_private=reader.boolean("IMAGE_URLS_ALLOW_PRIVATE", False),
        request_timeout=reader.seconds("REQUEST_TIMEOUT", 120.0),
        first_token_timeout=reader.seconds("FIRST_TOKEN_TIMEOUT", 60.0),
        idle_timeout=reader.seconds("IDLE_TIMEOUT", 30.0),
        slow_reader_timeout=reader.seconds("SLOW_READER_TIMEOUT", 60.0),
        circuit_failures=reader.integer("CIRCUIT_FAILURES", 5, least=1),
        default_model=reader.text("DEFAULT_MODEL", "gemini-2.5-flash"),
        gemini_api_key=reader.text("GEMINI_API_KEY"),
        gemini_base_url=reader.url("GEMINI_BASE_URL", "https://generativelanguage.googleapis.com"),
        gemini_transport=reader.choice("GEMINI_TRANSPORT", "wire", ("wire", "sdk")),
        openai_api_key=reader.text("OPENAI_API_KEY"),
        openai_base_url=reader.url("OPENAI_BASE_URL", "https://api.openai.com/v1"),
        anthropic_api_key=reader.text("ANTHROPIC_API_KEY"),
        anthropic_base_url=reader.url("ANTHROPIC_BASE_URL", "https://api.anthropic.com"),
        langfuse_host=reader.url("LANGFUSE_HOST", "https://cloud.langfuse.com"),
        langfuse_public_key=reader.text("LANGFUSE_PUBLIC_KEY"),
        langfuse_secret_key=reader.text("LANGFUSE_SECRET_KEY"),
        trace_url=reader.text("TRACE_URL"),
        otlp_endpoint=reader.url("OTEL_EXPORTER_OTLP_ENDPOINT", ""),
        judge_model=reader.text("EVAL_JUDGE_MODEL"),
        embedding_model=reader.text("EVAL_EMBEDDING_MODEL", "gemini-embedding-001"),
        require_eval=reader.boolean("REQUIRE_EVAL", False),
        require_review=reader.boolean("REQUIRE_REVIEW", False),
        webhooks_allow_private=reader.boolean("WEBHOOKS_ALLOW_PRIVATE", False),
        otlp_headers=reader.headers("OTEL_EXPORTER_OTLP_HEADERS"),
        metrics_token=reader.text("METRICS_TOKEN"),
        prompt_pins={
            match[1]: value for name, value in source.items() if value and (match := PIN.match(name))
        },
    )


class _Listener(dict[str, str]):
    """Notes the names it is asked for."""

    def __init__(self, values: Mapping[str, str]) -> None:
        super().__init__(values)
        self.asked: list[str] = []

    def get(self, name: str, default: Any = None) -> Any:
        self.asked.append(name)
        return super().get(name, default)


def names() -> list[str]:
    """Every variable that `read` looks up, in its order; the pins of prompts have names of their own."""
    listener = _Listener({"DATABASE_URL": "postgresql://", "SECRET_KEY": "any"})
    read(listener)
    return listener.asked


def process_environment() -> dict[str, str]:
    """The process's variables, and from the files those that are absent or empty there."""
    merged = dict(os.environ)
    chosen = merged.get(ENV_FILES)
    files = [Path(name) for name in chosen.split(os.pathsep)] if chosen else [ROOT / ".env", EMBEDDED_ENV]
    for path in files:
        for name, value in read_file(path).items():
            merged[name] = merged.get(name) or value
    return merged


def read_file(path: Path) -> dict[str, str]:
    """The `NAME=value` lines of `path`; nothing where it is absent.

    Raises `InvalidEnvironment` with the line's number.
    """
    values: dict[str, str] = {}
    if not path.exists():
        return values
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as exc:
        raise InvalidEnvironment(f"{path} cannot be read as text: {exc}") from exc
    for number, line in enumerate(lines, start=1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        match = re.fullmatch(r"\s*(?:export\s+)?([A-Za-z_][A-Za-z0-9_]*)\s*=\s*(.*?)\s*", line)
        if not match:
            raise InvalidEnvironment(f"{path} line {number} is not NAME=value")
        values[match[1]] = _unquoted(match[2])
    return values


def _unquoted(value: str) -> str:
    if len(value) >= 2 and value[0] == value[-1] and value[0] in "\"'":
        return value[1:-1]
    return re.split(r"\s+#", value, maxsplit=1)[0]
