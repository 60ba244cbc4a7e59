"""From the pipeline's events to the replies and stream events of `schemas`."""

from decimal import Decimal

from gateway_app.events import Answer, End, Start
from gateway_app.schemas import ChatReply, EndEvent, StartEvent, UsageReply
from gateway_app.types import Usage


def chat_reply(answer: Answer) -> ChatReply:
    start, end = answer.start, answer.end
    return ChatReply(
        response=answer.text,
        model=start.model,
        latency=_seconds(end.latency),
        cache_hit=start.cache == "HIT",
        request_id=start.request_id,
        usage=usage_reply(end.usage),
        cost_usd=_dollars(end.cost_usd),
        finish_reason=end.finish_reason,
        prompt_name=start.prompt_name,
        prompt_version=start.prompt_version,
    )


def start_event(start: Start) -> StartEvent:
    return StartEvent(
        request_id=start.request_id,
        model=start.model,
        prompt_name=start.prompt_name,
        prompt_version=start.prompt_version,
        cache_hit=start.cache == "HIT",
    )


def end_event(start: Start, end: End) -> EndEvent:
    return EndEvent(
        usage=usage_reply(end.usage),
        cost_usd=_dollars(end.cost_usd),
        latency=_seconds(end.latency),
        finish_reason=end.finish_reason,
        cache_hit=start.cache == "HIT",
    )


def usage_reply(usage: Usage) -> UsageReply:
    return UsageReply(
        input_tokens=usage.input_tokens,
        cached_tokens=usage.cached_tokens,
        output_tokens=usage.output_tokens,
        thinking_tokens=usage.thinking_tokens,
        total_tokens=usage.total_tokens,
    )


def _dollars(amount: Decimal | None) -> float | None:
    return None if amount is None else float(amount)


def _seconds(seconds: float) -> float:
    return round(seconds, 6)
