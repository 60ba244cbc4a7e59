"""What one can ask the ledger, and what it says: parameters, bodies and replies of its addresses."""

from datetime import date
from typing import Annotated, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

from gateway_app.schemas import ChatId, Name, UsageReply

Group = Literal["day", "month", "model", "key", "prompt", "prompt_version", "surface"]
MOST_FEEDBACK = 1e9
"""A number lies within this of 0: sums and squares of many are still numbers."""
Given = Annotated[str, Meta(min_length=1, max_length=128)]


class UsageQuery(Struct, kw_only=True, forbid_unknown_fields=True, rename={"since": "from", "until": "to"}):
    """The parameters of `GET /usage`. Days are in UTC, both included."""

    since: date | None = None
    until: date | None = None
    group: str = "day"
    """`Group`s, separated by commas."""
    model: Given | None = None
    key: Given | None = None
    prompt: Given | None = None
    version: Given | None = None
    surface: Given | None = None
    format: Literal["json", "csv"] | None = None


class Durations(Struct, kw_only=True):
    """Milliseconds; percentiles are right to within 5 %. Null where nothing was measured."""

    mean: float | None
    p50: float | None
    p95: float | None


class FirstToken(Struct, kw_only=True):
    """Milliseconds; percentiles are right to within 5 %. Null where nothing was measured."""

    p50: float | None
    p95: float | None


class UsageRow(Struct, kw_only=True):
    """One group of calls; of the first fields, those are there that were asked for in `group`."""

    day: str | UnsetType = UNSET
    month: str | UnsetType = UNSET
    model: str | UnsetType | None = UNSET
    key: str | UnsetType | None = UNSET
    key_name: str | UnsetType | None = UNSET
    prompt: str | UnsetType | None = UNSET
    prompt_version: str | UnsetType | None = UNSET
    surface: str | UnsetType = UNSET
    calls: int
    errors: int
    error_rate: float
    cancelled: int
    cache_hits: int
    hit_rate: float
    input_tokens: int
    cached_tokens: int
    output_tokens: int
    thinking_tokens: int
    input_audio_tokens: int
    output_audio_tokens: int
    input_image_tokens: int
    output_image_tokens: int
    cost_usd: Annotated[
        float | None, Meta(description="Of the calls whose price is known; null where that is none of them.")
    ]
    unpriced_calls: Annotated[int, Meta(description="Answered calls whose cost is not known.")]
    saved_usd: Annotated[float, Meta(description="What hits would have cost.")]
    latency_ms: Durations
    first_token_ms: FirstToken


class UsageReport(Struct, kw_only=True, rename={"since": "from", "until": "to"}):
    since: str
    until: str
    group: list[Group]
    rows: list[UsageRow]
    total: UsageRow


class FeedbackBody(Struct, kw_only=True, forbid_unknown_fields=True):
    """A word on a call. The same `request_id` and `name` again: the newest word holds."""

    request_id: ChatId
    name: Name
    value: Annotated[
        bool
        | Annotated[float, Meta(ge=-MOST_FEEDBACK, le=MOST_FEEDBACK)]
        | Annotated[str, Meta(min_length=1, max_length=4000)],
        Meta(description="Thumbs (true or false), a number, or a text."),
    ]
    comment: Annotated[str, Meta(max_length=4000)] = ""


class FeedbackReply(Struct, kw_only=True):
    """The word as it is kept."""

    request_id: str
    name: str
    value: bool | float | str
    comment: str


class MomentReply(Struct, kw_only=True):
    """A bar of the timeline: milliseconds after the call began; parsing lies before 0."""

    name: str
    start_ms: float
    end_ms: float
    says: str
    failed: bool


class BillLine(Struct, kw_only=True):
    what: str
    tokens: int
    usd_per_million: float
    cost_usd: float


class TroubleReply(Struct, kw_only=True):
    code: str
    cause: str
    advice: str


class CallTokens(UsageReply, kw_only=True):
    """What of the input, of its cached part and of the output was sound or images."""

    input_audio_tokens: int
    cached_audio_tokens: int
    output_audio_tokens: int
    input_image_tokens: int
    output_image_tokens: int


class CallReply(Struct, kw_only=True):
    """One call explained."""

    id: str
    request_id: str
    created_at: str
    project: str
    key: str | None
    key_name: str | None
    surface: str
    streamed: bool
    session_id: str | None
    prompt_name: str | None
    prompt_version: str | None
    phase: int | None
    arm_reason: str | None
    provider: str | None
    model: str | None
    model_served: str | None
    outcome: str
    finish_reason: str | None
    cache: str | None
    usage: CallTokens
    cost_usd: float | None
    saved_usd: float | None
    latency_ms: float
    first_token_ms: float | None
    tokens_per_second: float | None
    timeline: list[MomentReply]
    bill: list[BillLine]
    cost_says: str
    trouble: TroubleReply | None
