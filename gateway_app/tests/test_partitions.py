"""The ledger grows by months and sheds them, and refuses no call in between."""

from datetime import UTC, datetime, timedelta

import pytest
from django.core.management import call_command
from django.db import connection
from django.utils import timezone

from gateway_app import partitions
from gateway_app.content import Content
from gateway_app.models import Call, CallContent, Project, Rollup
from gateway_app.partitions import Month
from gateway_app.rollups import roll_up, roll_up_due
from gateway_app.tests.ledger_calls import call, write
from gateway_app.types import Message
from gateway_app.upkeep import keep_up

pytestmark = pytest.mark.django_db

FAR = datetime(2031, 12, 15, tzinfo=UTC)


def home(request_id: str) -> str:
    """The table that holds the call."""
    with connection.cursor() as cursor:
        query = "SELECT tableoid::regclass::text FROM gateway_app_call WHERE request_id = %s"
        cursor.execute(query, [request_id])
        return str(cursor.fetchone()[0])


def test_months_follow_each_other_over_the_years() -> None:
    assert Month(2026, 12).plus(1) == Month(2027, 1)
    assert Month(2026, 1).plus(-13) == Month(2024, 12)
    assert Month(2026, 2).start == datetime(2026, 2, 1, tzinfo=UTC)


def test_this_month_and_the_next_ones_are_there() -> None:
    assert partitions.make_ahead(FAR) == [Month(2031, 12), Month(2032, 1), Month(2032, 2), Month(2032, 3)]
    assert partitions.make_ahead(FAR) == []
    write(call("far", created_at=FAR))
    assert home("far") == "gateway_app_call_y2031m12"


def test_a_call_of_a_month_that_is_not_there_is_kept_and_moved_when_it_is() -> None:
    write(call("early", created_at=FAR), call("other", created_at=FAR - timedelta(days=100)))
    assert home("early") == partitions.DEFAULT
    partitions.make_ahead(FAR)
    assert home("early") == "gateway_app_call_y2031m12"
    assert home("other") == partitions.DEFAULT


def test_a_partition_has_the_tables_indexes() -> None:
    partitions.make_ahead(FAR)
    with connection.cursor() as cursor:
        counts = []
        for table in (partitions.TABLE, Month.of(FAR).partition):
            cursor.execute("SELECT count(*) FROM pg_index WHERE indrelid = %s::regclass", [table])
            counts.append(cursor.fetchone()[0])
    assert counts[0] == counts[1] > 4


def test_a_call_is_found_by_its_id_in_whatever_month() -> None:
    partitions.make_ahead(FAR)
    record = call(created_at=FAR)
    write(record, record)
    assert Call.objects.get(pk=record.id).request_id == "r-1"


def test_old_months_are_dropped_whole_and_younger_ones_stay() -> None:
    for back in (0, 4):
        partitions.make_ahead(Month.of(FAR).plus(-back).start)
    stray = datetime(2001, 1, 1, tzinfo=UTC)
    write(*(call(f"r{at:%y%m}", created_at=at) for at in (stray, FAR - timedelta(days=70), FAR)))
    dropped = partitions.drop_before(Month(2031, 11))
    assert dropped[-3:] == [Month(2031, 8), Month(2031, 9), Month(2031, 10)]
    assert [found.request_id for found in Call.objects.all()] == ["r3112"]


def test_upkeep_keeps_as_many_months_as_it_is_told() -> None:
    partitions.make_ahead(FAR)
    write(call(created_at=FAR))
    assert keep_up(FAR, months=0).dropped == []
    assert keep_up(FAR + timedelta(days=31), months=1).dropped != []
    assert Call.objects.count() == 1
    keep_up(FAR + timedelta(days=62), months=1)
    assert Call.objects.count() == 0


def test_content_goes_when_its_days_are_over_or_its_project_is_gone() -> None:
    now = timezone.now()
    said = Content(messages=(Message(role="user", content="Hi"),), reply=None, tool_calls=(), days=1)
    kept, gone = Project.objects.create(name="kept"), Project.objects.create(name="gone")
    fresh = call("fresh", created_at=now, project_id=kept.pk, content=said)
    old = call("old", created_at=now - timedelta(days=2), project_id=kept.pk, content=said)
    write(fresh, old, call("orphan", created_at=now, project_id=gone.pk, content=said))
    gone.delete()
    assert keep_up(now, months=12).contents == 2
    assert CallContent.objects.get().pk == fresh.id
    assert Call.objects.count() == 3


def test_sums_of_calls_that_were_dropped_stay() -> None:
    at = (timezone.now() - timedelta(days=40)).replace(minute=0, second=0, microsecond=0)
    write(call("a", created_at=at), call("b", created_at=at))
    roll_up([at])
    Call.objects.all().delete()
    write(call("late", created_at=at))
    roll_up_due()
    assert Rollup.objects.get(period="day").calls == 2


def test_the_commands_do_the_same_by_hand(capsys: pytest.CaptureFixture[str]) -> None:
    call_command("ledger_partitions")
    assert "0 contents let go" in capsys.readouterr().out
    write(call(created_at=timezone.now()))
    call_command("ledger_rollups")
    assert "1 hours summed up" in capsys.readouterr().out


def test_any_number_of_made_up_calls_can_be_loaded(capsys: pytest.CaptureFixture[str]) -> None:
    call_command("synthesize_calls", "300", "--days", "3")
    assert "300 calls" in capsys.readouterr().out
    assert Call.objects.count() == 300
    assert sum(Rollup.objects.filter(period="day").values_list("calls", flat=True)) == 300
