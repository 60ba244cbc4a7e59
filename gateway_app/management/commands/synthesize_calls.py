"""manage.py synthesize_calls: fills a ledger that can be thrown away."""

import time
from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.db import connection, transaction
from django.utils import timezone
from psycopg import sql

from gateway_app import partitions
from gateway_app.access import create_key
from gateway_app.models import ApiKey, Call
from gateway_app.partitions import Month
from gateway_app.rollups import roll_up_due
from gateway_app.synthetic import COLUMNS, rows

KEYS = 5


class Command(BaseCommand):
    help = "Loads made-up calls of a project `synthetic` and sums them up. Not for a ledger that matters."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("count", type=int)
        parser.add_argument("--days", type=int, default=60, help="up to now, that the calls are spread over")

    def handle(self, *args: Any, **options: Any) -> None:
        began = time.monotonic()
        self._load(options["count"], days=options["days"])
        loaded = time.monotonic()
        hours = 0
        while done := roll_up_due(final=timedelta(days=options["days"] + 1)):
            hours += done
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE gateway_app_call, gateway_app_rollup")
        rate = options["count"] / (loaded - began)
        self.stdout.write(
            f"{options['count']:,} calls in {loaded - began:.0f} s ({rate:,.0f} a second), "
            f"{hours:,} hours summed up in {time.monotonic() - loaded:.0f} s"
        )

    @transaction.atomic
    def _load(self, count: int, *, days: int) -> None:
        now = timezone.now()
        for back in range(days // 28 + 2):
            partitions.make_ahead(Month.of(now).plus(-back).start)
        keys = [create_key(project="synthetic", name=f"synthetic {number}").id for number in range(KEYS)]
        known = list(ApiKey.objects.filter(pk__in=keys).values_list("project_id", "pk", "name"))
        into = sql.SQL("COPY {} ({}) FROM STDIN").format(
            sql.Identifier(Call._meta.db_table), sql.SQL(",").join([sql.Identifier(name) for name in COLUMNS])
        )
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL statement_timeout = 0")
            with cursor.copy(into) as copy:
                for values in rows(count, until=now, days=days, keys=known):
                    copy.write_row(values)
            cursor.execute(
                "INSERT INTO gateway_app_rollupdue (hour) SELECT DISTINCT date_trunc('hour', created_at) "
                "FROM gateway_app_call WHERE project_name = 'synthetic'"
            )
