"""The ledger's months: made ahead of the calls, dropped when they are old."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime

from django.db import connection, transaction

TABLE = "gateway_app_call"
DEFAULT = f"{TABLE}_default"
"""Takes what belongs to no month that there is, so that no call is refused."""
AHEAD = 3
"""Months that there are besides the present one."""


@dataclass(frozen=True, slots=True, order=True)
class Month:
    year: int
    month: int

    @classmethod
    def of(cls, moment: datetime) -> "Month":
        return cls(moment.year, moment.month)

    def plus(self, months: int) -> "Month":
        count = self.year * 12 + self.month - 1 + months
        return Month(count // 12, count % 12 + 1)

    @property
    def start(self) -> datetime:
        return datetime(self.year, self.month, 1, tzinfo=UTC)

    @property
    def partition(self) -> str:
        return f"{TABLE}_y{self.year:04}m{self.month:02}"


def existing() -> list[Month]:
    """The months that have a partition, in order."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = %s::regclass", [TABLE]
        )
        names = [name for (name,) in cursor.fetchall()]
    found = (re.fullmatch(rf"{TABLE}_y(\d{{4}})m(\d{{2}})", name) for name in names)
    return sorted(Month(int(match[1]), int(match[2])) for match in found if match)


def make_ahead(now: datetime) -> list[Month]:
    """Makes the partitions of this month and the next `AHEAD`; returns the new ones."""
    there = existing()
    wanted = [Month.of(now).plus(count) for count in range(AHEAD + 1)]
    missing = [month for month in wanted if month not in there]
    for month in missing:
        _make(month)
    return missing


def drop_before(month: Month) -> list[Month]:
    """Drops what is older, whole months at once; returns them."""
    old = [one for one in existing() if one < month]
    with connection.cursor() as cursor:
        for one in old:
            cursor.execute(f"DROP TABLE {one.partition}")
        cursor.execute(f"DELETE FROM {DEFAULT} WHERE created_at < %s", [month.start])  # noqa: S608 - our names
    return old


@transaction.atomic
def _make(month: Month) -> None:
    """Attached and not created in place: that would lock out the ledger's writers. Takes over what waits."""
    bounds = [month.start, month.plus(1).start]
    with connection.cursor() as cursor:
        cursor.execute(
            f"CREATE TABLE {month.partition} (LIKE {TABLE} INCLUDING DEFAULTS INCLUDING CONSTRAINTS)"
        )
        cursor.execute(
            f"WITH moved AS (DELETE FROM {DEFAULT} WHERE created_at >= %s AND created_at < %s RETURNING *) "  # noqa: S608
            f"INSERT INTO {month.partition} SELECT * FROM moved",
            bounds,
        )
        cursor.execute(
            f"ALTER TABLE {TABLE} ATTACH PARTITION {month.partition} FOR VALUES FROM (%s) TO (%s)", bounds
        )
