"""manage.py synthesize_calls: fills a ledger that can be thrown away."""

import time
from datetime import datetime, timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.db import connection, transaction
from django.utils import timezone
from psycopg import sql

from gateway_app import partitions
from gateway_app.access import create_key
from gateway_app.models import ApiKey, Call
from gateway_app.partitions import Month
from gateway_app.rollups import HOURS_AT_ONCE, roll_up
from gateway_app.synthetic import kinds

KEYS = 5
KINDS = 5_000
"""Different calls; all others differ from one of them in time and ids alone."""
BATCH = 250_000
FIELDS = Call._meta.concrete_fields
COLUMNS = [str(field.column) for field in FIELDS]
OWN = {
    "id": "gen_random_uuid()",
    "created_at": "%(until)s::timestamptz - %(span)s::interval * (1 - n::float8 / %(count)s)",
    "request_id": "'synthetic-' || n",
}
"""What is another in each call, of its number n."""


class Command(BaseCommand):
    help = "Loads made-up calls of a project `synthetic` and sums them up. Not for a ledger that matters."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("count", type=int)
        parser.add_argument("--days", type=int, default=60, help="up to now, that the calls are spread over")

    def handle(self, *args: Any, **options: Any) -> None:
        count, span = options["count"], timedelta(days=options["days"])
        began, now = time.monotonic(), timezone.now()
        for back in range(span.days // 28 + 2):
            partitions.make_ahead(Month.of(now).plus(-back).start)
        self._load_kinds()
        for first in range(1, count + 1, BATCH):
            self._load(first, min(first + BATCH - 1, count), count=count, until=now, span=span)
        _analyze("gateway_app_call")
        loaded = time.monotonic()
        hours = _hours(now - span, now)
        for start in range(0, len(hours), HOURS_AT_ONCE):
            roll_up(hours[start : start + HOURS_AT_ONCE])
        _analyze("gateway_app_rollup")
        self.stdout.write(
            f"{count:,} calls in {loaded - began:.0f} s, "
            f"{len(hours):,} hours summed up in {time.monotonic() - loaded:.0f} s"
        )

    def _load_kinds(self) -> None:
        keys = [create_key(project="synthetic", name=f"synthetic {number}").id for number in range(KEYS)]
        known = list(ApiKey.objects.filter(pk__in=keys).values_list("project_id", "pk", "name"))
        columns = sql.SQL(", ").join([sql.Identifier(name) for name in COLUMNS])
        with connection.cursor() as cursor:
            cursor.execute("CREATE TEMP TABLE kind (number serial, LIKE gateway_app_call)")
            with cursor.copy(sql.SQL("COPY kind ({}) FROM STDIN").format(columns)) as copy:
                for call in kinds(KINDS, keys=known):
                    call.created_at, call.request_id = timezone.now(), ""
                    copy.write_row([_stored(field, call) for field in FIELDS])

    @transaction.atomic
    def _load(self, first: int, last: int, *, count: int, until: datetime, span: timedelta) -> None:
        chosen = ", ".join(OWN.get(name, f'"{name}"') for name in COLUMNS)
        columns = ", ".join(f'"{name}"' for name in COLUMNS)
        given: dict[str, Any] = {"first": first, "last": last, "until": until, "span": span, "count": count}
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL statement_timeout = 0")
            cursor.execute(
                f"INSERT INTO gateway_app_call ({columns}) SELECT {chosen} "  # noqa: S608 - names of ours
                "FROM generate_series(%(first)s, %(last)s) n "
                f"JOIN kind ON number = n::bigint * 7919 %% {KINDS} + 1",
                given,
            )


def _analyze(table: str) -> None:
    """Before anybody plans a query over it."""
    with connection.cursor() as cursor:
        cursor.execute("SET statement_timeout = 0")
        cursor.execute(f"ANALYZE {table}")


def _hours(start: datetime, end: datetime) -> list[datetime]:
    """Those that lie between the two, with the ones that they are in."""
    hour, found = start.replace(minute=0, second=0, microsecond=0), []
    while hour <= end:
        found.append(hour)
        hour += timedelta(hours=1)
    return found


def _stored(field: Any, call: Call) -> Any:
    return field.get_db_prep_save(getattr(call, field.attname), connection)
