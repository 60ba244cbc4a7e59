"""From a row of the ledger and its explanation to the reply of `GET /calls/<request_id>`."""

from decimal import Decimal

from gateway_app.explanation import Explanation, Moment
from gateway_app.ledger_schemas import BillLine, CallReply, CallTokens, MomentReply, TroubleReply
from gateway_app.models import Call
from gateway_app.pricing import Line
from gateway_app.troubles import Trouble


def call_reply(row: Call, told: Explanation) -> CallReply:
    return CallReply(
        id=str(row.pk),
        request_id=row.request_id,
        created_at=row.created_at.isoformat(),
        project=row.project_name,
        key=row.key_id,
        key_name=row.key_name,
        surface=row.surface,
        streamed=row.streamed,
        session_id=row.session_id,
        prompt_name=row.prompt_name,
        prompt_version=row.prompt_version,
        phase=row.phase,
        arm_reason=row.arm_reason,
        provider=row.provider,
        model=row.model,
        model_served=row.model_served,
        outcome=row.outcome,
        finish_reason=row.finish_reason,
        cache=row.cache,
        usage=CallTokens(**{name: getattr(row, name) for name in CallTokens.__struct_fields__}),
        cost_usd=_dollars(row.cost_usd),
        saved_usd=_dollars(row.saved_usd),
        latency_ms=row.latency_ms,
        first_token_ms=row.time_to_first_token_ms,
        tokens_per_second=told.tokens_per_second,
        timeline=[_moment(moment) for moment in told.moments],
        bill=[_line(line) for line in told.bill],
        cost_says=told.cost_says,
        trouble=_trouble(row, told.trouble),
    )


def _trouble(row: Call, trouble: Trouble | None) -> TroubleReply | None:
    if trouble is None:
        return None
    return TroubleReply(code=row.error_code or row.outcome, cause=trouble.cause, advice=trouble.advice)


def _moment(moment: Moment) -> MomentReply:
    return MomentReply(
        name=moment.name,
        start_ms=round(moment.start, 3),
        end_ms=round(moment.end, 3),
        says=moment.says,
        failed=moment.failed,
    )


def _line(line: Line) -> BillLine:
    return BillLine(
        what=line.what, tokens=line.tokens, usd_per_million=float(line.rate), cost_usd=float(line.cost)
    )


def _dollars(amount: Decimal | None) -> float | None:
    return None if amount is None else float(amount)
