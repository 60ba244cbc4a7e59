"""The menu and the front page lead everybody only to where they may go, and everywhere."""

import re
from typing import Any
from urllib.parse import urljoin

import pytest
from django.contrib import admin
from django.test import Client

from llmgateway.admin_menu import MENU
from llmgateway.tests.security import admin_rows
from llmgateway.tests.security.admin_rights import ROLES
from llmgateway.tests.security.test_admin_rights import member

LEAVES = re.compile(r"/logout/|/jsi18n/|^/static/|^(https?:|mailto:|data:|#)")


@pytest.fixture
def ids(db: None) -> dict[str, Any]:
    return admin_rows.make()


def links(client: Client, page: str) -> set[str]:
    found = re.findall(r'(?:href|hx-get)="([^"]+)"', client.get(page).content.decode())
    return {
        urljoin(page, link.replace("&amp;", "&")).split("#")[0] for link in found if not LEAVES.search(link)
    }


@pytest.mark.parametrize("role", ROLES)
def test_nothing_on_the_front_page_leads_nowhere(ids: dict[str, Any], role: str) -> None:
    client = member(role)
    found = links(client, "/admin/")
    assert len(found) > {"n": 0, "s": 16}.get(role, 6)
    ended = {link: client.get(link, follow=True).status_code for link in found}
    assert {link: status for link, status in ended.items() if status != 200} == {}


def test_a_row_of_everything_leads_nowhere_but_to_pages(ids: dict[str, Any]) -> None:
    client = member("s")
    pages = [
        model["admin_url"] for app in client.get("/admin/").context["app_list"] for model in app["models"]
    ]
    found = set().union(*(links(client, page) for page in pages))
    ended = {link: client.get(link, follow=True).status_code for link in found}
    assert {link: status for link, status in ended.items() if status != 200} == {}


def test_the_menu_names_every_table_of_the_admin() -> None:
    named = {model for _, items in MENU for _, _, model in items}
    assert named == {model._meta.label_lower for model in admin.site._registry}
