"""Every instrument that a worker writes to, with its unit and its labels."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

REGISTRY = CollectorRegistry()

FAST = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0)
SLOW = (0.001, 0.005, 0.025, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0)

CALLS = Counter(
    "gateway_calls",
    "Calls that ended, by surface (chat, v1, ws, playground, eval), outcome (ok, error, cancelled), "
    "error code and cache state (HIT, MISS, COALESCED, BYPASS)",
    ("surface", "outcome", "code", "cache"),
    registry=REGISTRY,
)
LATENCY = Histogram(
    "gateway_call_seconds",
    "From the request to the end of the reply",
    ("surface", "cache"),
    buckets=SLOW,
    registry=REGISTRY,
)
FIRST_TOKEN = Histogram(
    "gateway_first_token_seconds",
    "From the request to the first text of a stream that came from a vendor",
    ("surface",),
    buckets=SLOW,
    registry=REGISTRY,
)
OVERHEAD = Histogram(
    "gateway_overhead_seconds",
    "What the gateway adds to the vendor's time, of answers that took one try",
    ("surface",),
    buckets=FAST,
    registry=REGISTRY,
)
UPSTREAM = Histogram(
    "gateway_upstream_seconds",
    "One try at a vendor, however it ended; none that an open circuit refused",
    ("provider", "model"),
    buckets=SLOW,
    registry=REGISTRY,
)
UPSTREAM_ERRORS = Counter(
    "gateway_upstream_errors",
    "Tries at a vendor that failed, by error code; circuit_open where nobody was asked",
    ("provider", "model", "code"),
    registry=REGISTRY,
)
RETRIES = Counter(
    "gateway_retries",
    "Tries after a failed one, at the same model or at its fallback, by the code of the failure",
    ("provider", "model", "after"),
    registry=REGISTRY,
)
TOKENS = Counter(
    "gateway_tokens",
    "Tokens that vendors counted, each under one kind: input, cached, output, thinking, audio_…",
    ("model", "kind"),
    registry=REGISTRY,
)
COST = Counter("gateway_cost_usd", "What calls cost", ("model", "prompt"), registry=REGISTRY)
SAVED = Counter("gateway_saved_usd", "What cache hits would have cost", ("model",), registry=REGISTRY)
UNPRICED = Counter(
    "gateway_unpriced_calls",
    "Answered calls whose cost is unknown, because their model has no price",
    ("model",),
    registry=REGISTRY,
)
PROMPT_CALLS = Counter(
    "gateway_prompt_calls",
    "Calls that used a prompt, by its version and their outcome",
    ("prompt", "version", "outcome"),
    registry=REGISTRY,
)
RESPONSES = Counter(
    "gateway_http_responses",
    "HTTP responses of the API, refused requests and pages nobody has included",
    ("status",),
    registry=REGISTRY,
)


def _gauge(name: str, documentation: str, mode: str, labels: tuple[str, ...] = ()) -> Gauge:
    """`mode`: how the workers' values become one."""
    return Gauge(name, documentation, labels, multiprocess_mode=mode, registry=REGISTRY)  # type: ignore[arg-type]


CALLS_OPEN = _gauge("gateway_calls_open", "Calls under way", "livesum", ("surface", "streamed"))
SOCKETS_OPEN = _gauge("gateway_sockets_open", "WebSockets that are connected", "livesum")
TASKS = _gauge("gateway_event_loop_tasks", "Tasks of the event loops", "livesum")
WORKERS = _gauge("gateway_workers", "Worker processes that serve", "livesum")
LEDGER_UNCONFIRMED = _gauge(
    "gateway_ledger_unconfirmed_entries", "Ledger entries that a worker still answers for", "livesum"
)
LEDGER_CONNECTED = _gauge(
    "gateway_ledger_connected", "1 where every worker's ledger reaches Redis, else 0", "livemin"
)
LEDGER_DROPPED = Counter(
    "gateway_ledger_dropped_entries", "Ledger entries lost for want of room", registry=REGISTRY
)
SNAPSHOT_AGE = _gauge(
    "gateway_snapshot_age_seconds",
    "Since Postgres last confirmed what the most out-of-date worker serves from; "
    "while it never did, since the start",
    "livemax",
    ("snapshot",),
)
CIRCUITS_OPEN = _gauge(
    "gateway_circuits_open", "Models left alone for the moment because they keep failing", "livemax"
)
