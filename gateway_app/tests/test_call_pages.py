"""The ledger in the admin: the list finds what its filters ask for, and a call's page leads on."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
import redis
from django.contrib.auth.models import Permission, User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django import Settings

from gateway_app import conf
from gateway_app.content import Content
from gateway_app.ledger import FIELD
from gateway_app.ledger_worker import POISON, WHY
from gateway_app.models import Call, Project
from gateway_app.rollups import roll_up_due
from gateway_app.tests.ledger_calls import call, write
from gateway_app.types import Message
from prompts_app.models import Prompt

pytestmark = pytest.mark.django_db

LIST = "/admin/gateway_app/call/"


@pytest.fixture
def admin(client: Client) -> Client:
    client.force_login(User.objects.create_superuser("grace"))
    return client


@pytest.fixture
def two_days() -> None:
    """A call to one model now and one to another nine days ago, summed up."""
    now = timezone.now()
    write(
        call("here", model="m-1", created_at=now),
        call("old", model="m-2", created_at=now - timedelta(days=9)),
    )
    roll_up_due()


def listed(admin: Client, **filters: str) -> list[str]:
    answer = admin.get(LIST, filters)
    assert answer.status_code == 200
    return [row.request_id for row in answer.context["cl"].result_list]


@pytest.mark.parametrize(
    ("filters", "found"),
    [
        ({}, ["here", "old"]),
        ({"model": "m-1"}, ["here"]),
        ({"model": "m-2", "outcome": "ok"}, ["old"]),
        ({"model": "m-2", "outcome": "error"}, []),
        ({"surface": "ws"}, []),
        ({"project": "none", "cache": "MISS"}, ["here", "old"]),
        ({"project": "9" * 5000}, ["here", "old"]),
        ({"since": "day"}, ["here"]),
        ({"q": "old"}, ["old"]),
    ],
)
def test_the_list_shows_what_its_filters_ask_for(
    filters: dict[str, str], found: list[str], admin: Client, two_days: None
) -> None:
    assert listed(admin, **filters) == found


def test_a_refused_keys_calls_are_found_by_their_error_and_name_it(admin: Client, two_days: None) -> None:
    """As the runbook of GatewayLimitsRefuse says."""
    refused = {"outcome": "error", "error_code": "rate_limit_exceeded", "key_name": "the busy one"}
    write(
        call("refused", created_at=timezone.now(), **refused),
        call("failed", created_at=timezone.now(), outcome="error", error_code="provider_timeout"),
    )
    assert listed(admin, error_code="rate_limit_exceeded") == ["refused"]
    assert listed(admin, error_code="no_such_code") == []
    assert "the busy one" in admin.get(LIST, {"error_code": "rate_limit_exceeded"}).content.decode()


def test_no_error_is_looked_for_outside_of_the_failed_calls(admin: Client, two_days: None) -> None:
    write(call("failed", created_at=timezone.now(), outcome="error", error_code="provider_timeout"))
    with CaptureQueriesContext(connection) as queries:
        assert listed(admin, error_code="circuit_open") == []
    [asked] = [query["sql"] for query in queries if 'FROM "gateway_app_call"' in query["sql"]]
    assert """"outcome" = 'error'""" in asked
    assert '"created_at" >=' in asked


def test_a_call_that_is_not_summed_up_yet_is_found_too(admin: Client, two_days: None) -> None:
    write(call("new", model="m-3", created_at=timezone.now()))
    assert listed(admin, model="m-3") == ["new"]


def test_what_is_filtered_away_is_told_from_what_is_not_there(admin: Client, two_days: None) -> None:
    assert "Nothing fits" in admin.get(f"{LIST}?outcome=cancelled").content.decode()
    assert "Nothing here yet" in admin.get("/admin/gateway_app/feedback/").content.decode()


@pytest.mark.parametrize("filters", [{"model": "m-1", "surface": "ws"}, {"cache": "no such state"}])
def test_a_filter_that_nothing_matches_does_not_look_through_the_ledger(
    filters: dict[str, str], admin: Client, two_days: None
) -> None:
    with CaptureQueriesContext(connection) as queries:
        assert listed(admin, **filters) == []
    assert not [query for query in queries if 'FROM "gateway_app_call"' in query["sql"]]


@pytest.fixture
def kept(settings: Settings) -> Any:
    """A call whose content is kept, while a tracer has a page."""
    settings.GATEWAY = {**settings.GATEWAY, "TRACE_URL": "https://traces.example.com/{trace_id}"}
    conf.gateway.cache_clear()
    said = Content(
        messages=(Message(role="user", content="Hi"),),
        reply="Hello",
        tool_calls=(),
        days=7,
        variables={"text": "The sea rose."},
    )
    write(
        call(
            project_id=Project.objects.create(name="p").pk,
            prompt_name="greeter",
            prompt_version="v1",
            content=said,
        )
    )
    Prompt.objects.create(name="greeter")
    yield Call.objects.get()
    conf.gateway.cache_clear()


def test_a_calls_page_leads_to_its_trace_and_to_the_same_input_in_the_playground(
    admin: Client, kept: Call
) -> None:
    page = admin.get(f"{LIST}{kept.pk}/change/").content.decode()
    assert f'href="https://traces.example.com/{kept.trace_id}"' in page
    playground = f"/admin/prompts_app/prompt/named/greeter/try/?version=v1&call={kept.pk}"
    assert playground.replace("&", "&amp;") in page
    opened = admin.get(playground, follow=True)
    assert opened.context["page_data"]["inputUrl"] == f"{LIST}{kept.pk}/input/"
    assert admin.get(f"{LIST}{kept.pk}/input/").json() == {"variables": {"text": "The sea rose."}}


def test_what_was_asked_is_for_those_alone_who_may_read_it(client: Client, kept: Call) -> None:
    reader = User.objects.create_user("ada", is_staff=True)
    reader.user_permissions.add(Permission.objects.get(codename="view_call"))
    client.force_login(reader)
    assert client.get(f"{LIST}{kept.pk}/input/").status_code == 403
    page = client.get(f"{LIST}{kept.pk}/change/").content.decode()
    assert "playground" not in page
    assert "The sea rose." not in page


def test_a_page_of_another_app_is_led_to_only_where_it_is_there(
    admin: Client, kept: Call, settings: Settings
) -> None:
    there = ("Its row", "admin:gateway_app_call_change", "gateway_app.view_call")
    away = ("Nowhere", "admin:no_such_page", "gateway_app.view_call")
    settings.GATEWAY = {**settings.GATEWAY, "CALL_LINKS": (there, away)}
    conf.gateway.cache_clear()
    page = admin.get(f"{LIST}{kept.pk}/change/").content.decode()
    assert ("Its row" in page, "Nowhere" in page) == (True, False)


@pytest.fixture
def unreadable() -> Iterator[None]:
    """An entry that a worker set aside."""
    with redis.Redis.from_url(conf.gateway().redis_url) as client:
        client.xadd(POISON, {FIELD: b'{"half": ', WHY: "it ends too soon"})
        yield
        client.delete(POISON)


def test_entries_that_could_not_be_read_are_shown_and_the_front_page_says_so(
    admin: Client, unreadable: None
) -> None:
    page = admin.get(f"{LIST}set-aside/").content.decode()
    assert "1 ledger entry could not be read" in page
    assert "{&quot;half&quot;: " in page
    assert "it ends too soon" in page
    assert f"redis-cli DEL {POISON}" in page
    assert f'href="{LIST}set-aside/"' in admin.get("/admin/").content.decode()


def test_where_none_was_set_aside_nobody_is_alarmed(admin: Client) -> None:
    assert "Nothing was set aside" in admin.get(f"{LIST}set-aside/").content.decode()
    assert "set-aside" not in admin.get("/admin/").content.decode()
