"""Who may do what in the admin, walked whole: every page, every action, every role, to look and to send."""

import logging
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from django.contrib import admin
from django.contrib.auth.models import Group, User
from django.db import connection, transaction
from django.http import HttpResponse
from django.test import Client, RequestFactory
from psycopg import sql

from llmgateway.tests.security import admin_rows
from llmgateway.tests.security.admin_rights import ACTIONS, PAGES, ROLES

TABLE = {route: (looks, sends) for route, looks, sends in map(str.split, PAGES.strip().splitlines())}
ACTION_TABLE = {(model, action): who for model, action, who in map(str.split, ACTIONS.strip().splitlines())}
SENT = {"post": "yes", "name": "forged", "description": "forged", "user": "forged", "text": "forged"}
"""Enough to delete, to press a button, or to be refused as a form."""

Login = Callable[[str], Client]


@pytest.fixture
def ids(db: None, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    # Half of what is asked is refused, each time with a line in the log.
    monkeypatch.setattr(logging.getLogger("django.request"), "disabled", True)
    return admin_rows.make()


def member(role: str) -> Client:
    user = User.objects.create_user(f"role-{role}", is_staff=True, is_superuser=role == "s")
    user.groups.set(Group.objects.filter(name=ROLES[role]))
    client = Client()
    client.force_login(user)
    return client


def undone(send: Callable[[], HttpResponse], *, look: bool = True) -> tuple[HttpResponse, str]:
    """The answer, and (if asked to look) the state it left; whatever it did is put back."""
    with transaction.atomic():
        response = send()
        left = state() if look else ""
        transaction.set_rollback(True)
    return response, left


def state() -> str:
    """A fingerprint of all rows of all tables, but for who is logged in."""
    with connection.cursor() as cursor:
        tables = set(connection.introspection.table_names(cursor)) - {"django_session"}
        row = sql.SQL("SELECT md5(string_agg(t::text, '' ORDER BY t::text)) FROM {} t")
        each = [row.format(sql.Identifier(name)) for name in sorted(tables)]
        cursor.execute(sql.SQL(" UNION ALL ").join(each))
        return str(cursor.fetchall())


def test_the_tables_name_every_page_and_every_action(rf: RequestFactory, db: None) -> None:
    assert sorted(TABLE) == admin_rows.routes()
    request = rf.get("/")
    request.user = User(is_superuser=True, is_active=True)
    actions = {
        (model._meta.label_lower, action)
        for model, shown in admin.site._registry.items()
        for action in shown.get_actions(request)
    }
    assert actions == set(ACTION_TABLE)


@pytest.mark.parametrize("role", ROLES)
def test_a_page_is_for_whom_the_table_says(ids: dict[str, Any], role: str) -> None:
    client = member(role)
    before = state()
    for route, (looks, sends) in TABLE.items():
        address = admin_rows.filled(route, ids)
        for method, who in (("get", looks), ("post", sends)):
            look = method == "get" if role == "s" else role not in who
            response, left = undone(partial(getattr(client, method), address, SENT), look=look)
            assert (response.status_code in (403, 405)) == (role not in who), (method, route, response)
            assert left in ("", before), f"{method} {route} changed something"


@pytest.mark.parametrize("role", ROLES)
def test_an_action_is_for_whom_the_table_says(ids: dict[str, Any], role: str) -> None:
    client = member(role)
    before = state()
    for (model, action), who in ACTION_TABLE.items():
        app, name = model.split(".")
        sent = {"action": action, "_selected_action": ids[name], "post": "yes"}
        _, left = undone(partial(client.post, f"/admin/{app}/{name}/", sent))
        assert (left != before) == (role in who), (model, action)


def test_who_is_not_logged_in_is_led_to_the_login(ids: dict[str, Any], client: Client) -> None:
    before = state()
    for route in TABLE:
        for ask in (client.get, client.post):
            response = ask(admin_rows.filled(route, ids), SENT)
            assert response.status_code == 302, route
            assert response["Location"].startswith("/admin/login/?next="), route
    assert state() == before


def test_who_is_no_staff_any_more_is_a_stranger(ids: dict[str, Any]) -> None:
    client = member("s")
    User.objects.filter(username="role-s").update(is_staff=False)
    before = state()
    for route in TABLE:
        assert client.post(admin_rows.filled(route, ids), SENT).status_code == 302, route
    assert state() == before


@pytest.mark.parametrize("nobody", ["0", "9" * 20, "abc", "a_00b"])
def test_a_row_that_is_not_there_is_no_crash(ids: dict[str, Any], nobody: str) -> None:
    client = member("s")
    for route in (route for route in TABLE if "<" in route):
        address = admin_rows.filled(route, ids | dict.fromkeys(ids, nobody))
        assert client.get(address).status_code in (301, 302, 403, 404, 405), address
