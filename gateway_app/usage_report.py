"""`GET /usage`: from its parameters to a report, and to CSV."""

import csv
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from io import StringIO
from typing import Any, get_args

import msgspec
from django.db.models import QuerySet

from gateway_app import usage
from gateway_app.exceptions import InvalidRequest
from gateway_app.ledger_schemas import Durations, FirstToken, Group, UsageQuery, UsageReport, UsageRow
from gateway_app.models import Rollup
from gateway_app.models.calls import of_project

SPAN = timedelta(days=29)
"""Before the last day, where nobody says."""
LONGEST = timedelta(days=800)
ROWS = 5_000
"""Of a report, at the most."""
COLUMNS: Mapping[str, tuple[str, ...]] = {
    "day": ("start",),
    "month": (usage.MONTH,),
    "model": ("model",),
    "key": ("key_id", "key_name"),
    "prompt": ("prompt_name",),
    "prompt_version": ("prompt_name", "prompt_version"),
    "surface": ("surface",),
}
"""What a `Group` is in a rollup."""
FIELDS = {
    "start": "day",
    usage.MONTH: "month",
    "key_id": "key",
    "prompt_name": "prompt",
}
"""Columns that have another name in a `UsageRow`."""
GROUP_FIELDS = {FIELDS.get(column, column) for columns in COLUMNS.values() for column in columns}
LENGTHS = {"start": len("2026-11-01"), usage.MONTH: len("2026-11")}
"""Characters that are told of a moment in ISO's form."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A checked `UsageQuery`."""

    since: date
    until: date
    group: tuple[Group, ...]
    query: UsageQuery


def read(parameters: Mapping[str, list[str]], *, today: date) -> Asked:
    """Raises `InvalidRequest` that names the parameter."""
    for name, values in parameters.items():
        if len(values) > 1:
            raise InvalidRequest(f"{name} is given {len(values)} times", param=name)
    given = {name: values[0] for name, values in parameters.items()}
    for name, value in given.items():
        if "\0" in value:
            raise InvalidRequest(f"{name} holds the character NUL", param=name)
    try:
        query = msgspec.convert(given, UsageQuery, strict=False)
    except msgspec.ValidationError as exc:
        where = str(exc).partition("`$.")[2].rstrip("`") or str(exc).partition("field `")[2].rstrip("`")
        raise InvalidRequest(str(exc), param=where or None) from exc
    until = query.until or today
    since = query.since or until - min(SPAN, until - date.min)
    if until == date.max:
        raise InvalidRequest("to is a day that has one after it", param="to")
    # The difference, for a sum could lie beyond the last day that there is.
    if not timedelta() <= until - since <= LONGEST:
        raise InvalidRequest(f"from and to are days in order, at most {LONGEST.days} apart", param="from")
    return Asked(since=since, until=until, group=_group(query.group), query=query)


def _group(text: str) -> tuple[Group, ...]:
    names = tuple(dict.fromkeys(name.strip() for name in text.split(",") if name.strip()))
    if unknown := [name for name in names if name not in get_args(Group)]:
        known = ", ".join(get_args(Group))
        raise InvalidRequest(f"there is no group {unknown[0][:40]!r}; there are {known}", param="group")
    return names  # type: ignore[return-value]


def report(asked: Asked, *, project: int | None) -> UsageReport:
    """Of that project alone; None: of all who call without a key."""
    columns = _columns(asked.group)
    rows = _chosen(asked, project, period=Rollup.Period.DAY if "day" in asked.group else Rollup.Period.MONTH)
    found = usage.summarize(rows, *columns, most=ROWS + 1)
    if len(found.groups) > ROWS:
        raise InvalidRequest(f"that makes more than {ROWS:,} rows: fewer groups or days", param="group")
    return UsageReport(
        since=asked.since.isoformat(),
        until=asked.until.isoformat(),
        group=list(asked.group),
        rows=[_row(columns, summary) for summary in found.groups] if columns else [_row((), found.total)],
        total=_row((), found.total),
    )


def _columns(group: Iterable[Group]) -> tuple[str, ...]:
    """Each column once."""
    return tuple(dict.fromkeys(column for name in group for column in COLUMNS[name]))


def _chosen(asked: Asked, project: int | None, *, period: str) -> QuerySet[Rollup]:
    query = asked.query
    rows = usage.chosen(
        period=period,
        since=_midnight(asked.since),
        until=_midnight(asked.until) + timedelta(days=1),
        model=query.model,
        key_id=query.key,
        prompt_name=query.prompt,
        prompt_version=query.version,
        surface=query.surface,
    )
    return rows.filter(of_project(project))


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), tzinfo=UTC)


def _row(columns: tuple[str, ...], found: usage.Summary) -> UsageRow:
    group = {
        FIELDS.get(column, column): value.isoformat()[: LENGTHS[column]] if column in LENGTHS else value
        for column, value in zip(columns, found.group, strict=True)
    }
    latency, first_token = found.latencies, found.first_tokens
    return UsageRow(
        **group,
        calls=found.calls,
        errors=found.errors,
        error_rate=_rounded(found.error_rate) or 0,
        cancelled=found.cancelled,
        cache_hits=found.hits,
        hit_rate=_rounded(found.hit_rate) or 0,
        input_tokens=found.input_tokens,
        cached_tokens=found.cached_tokens,
        output_tokens=found.output_tokens,
        thinking_tokens=found.thinking_tokens,
        input_audio_tokens=found.input_audio_tokens,
        output_audio_tokens=found.output_audio_tokens,
        input_image_tokens=found.input_image_tokens,
        output_image_tokens=found.output_image_tokens,
        cost_usd=float(found.cost_usd) if found.cost_usd or not found.unpriced else None,
        unpriced_calls=found.unpriced,
        saved_usd=float(found.saved_usd),
        latency_ms=Durations(
            mean=_rounded(found.mean_latency), p50=_rounded(latency.p50), p95=_rounded(latency.p95)
        ),
        first_token_ms=FirstToken(p50=_rounded(first_token.p50), p95=_rounded(first_token.p95)),
    )


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 4)


def as_csv(reported: UsageReport) -> str:
    """One line for each row, with the columns of its group and all measures; the total is not in it."""
    columns = [FIELDS.get(column, column) for column in _columns(reported.group)]
    out = StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow([*columns, *_measures(reported.total)])
    for row in reported.rows:
        writer.writerow([*(_safe(getattr(row, column)) for column in columns), *_measures(row).values()])
    return out.getvalue()


def _measures(row: UsageRow) -> dict[str, Any]:
    """Flat: `latency_ms` becomes `latency_ms_mean` and its like."""
    found: dict[str, Any] = {}
    for name, value in msgspec.to_builtins(row).items():
        if isinstance(value, dict):
            found |= {f"{name}_{part}": figure for part, figure in value.items()}
        elif name not in GROUP_FIELDS:
            found[name] = value
    return found


def _safe(value: str | None) -> str | None:
    """A name that a spreadsheet would take for a formula is none."""
    return f"'{value}" if value and value[0] in "=+-@\t\r" else value
