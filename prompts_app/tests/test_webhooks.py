"""Webhooks are told of every change, provably by us, until they take it; nothing inside is ever reached."""

import hashlib
import hmac
import json
import socket
from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime, timedelta

import pytest
from django.contrib.auth.models import Permission, User
from django.db import transaction
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from prompts_app import services
from prompts_app.changes import By
from prompts_app.models import Prompt, Webhook, WebhookDelivery
from prompts_app.public_addresses import is_public
from prompts_app.tests.conftest import MakeVersion
from prompts_app.tests.test_concurrency import at_once
from prompts_app.tests.webhook_receiver import Receiver, receiving
from prompts_app.webhook_sending import AT_ONCE, LEASE, MAX_ATTEMPTS, deliver_due, wait_after
from prompts_app.webhooks import KEPT, forget_old

pytestmark = pytest.mark.urls("prompts_app.tests.urls")


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as server:
        yield server


@pytest.fixture
def private(settings: Settings) -> None:
    settings.PROMPTS = settings.PROMPTS | {"WEBHOOKS_ALLOW_PRIVATE": True}


@pytest.fixture
def hook(prompt: Prompt, receiver: Receiver, private: None) -> Webhook:
    return Webhook.objects.create(url=receiver.url)


class Undone(Exception):
    """What goes wrong after a change, in its transaction."""


def soon(seconds: float = 1) -> datetime:
    return timezone.now() + timedelta(seconds=seconds)


def test_a_change_is_told_with_what_it_changed(hook: Webhook, receiver: Receiver, ada: By) -> None:
    services.describe_prompt(prompt="greeter", description="Kinder.", **ada)
    assert deliver_due(until=soon()) == 1
    body = json.loads(receiver.requests[0][1])
    assert (body["event"], body["prompt"], body["actor"], body["why"]) == (
        "prompt.describe_prompt",
        "greeter",
        "ada",
        "because",
    )
    assert (body["before"], body["after"]) == ({"description": "Says hello."}, {"description": "Kinder."})


def test_the_signature_is_the_hmac_of_timestamp_and_body(
    hook: Webhook, receiver: Receiver, draft: MakeVersion
) -> None:
    draft("v1")
    deliver_due(until=soon())
    headers, body = receiver.requests[0]
    message = headers["X-Webhook-Timestamp"].encode() + b"." + body
    expected = hmac.new(hook.secret.encode(), message, hashlib.sha256).hexdigest()
    assert headers["X-Webhook-Signature"] == f"sha256={expected}"
    assert abs(int(headers["X-Webhook-Timestamp"]) - timezone.now().timestamp()) < 60


def test_each_delivery_goes_out_once(hook: Webhook, receiver: Receiver, draft: MakeVersion) -> None:
    draft("v1")
    assert [deliver_due(until=soon()), deliver_due(until=soon(9999))] == [1, 0]
    assert len(receiver.requests) == 1
    assert WebhookDelivery.objects.get().state == "delivered"


def test_a_change_that_is_undone_before_it_is_committed_is_not_told(hook: Webhook, ada: By) -> None:
    with suppress(Undone), transaction.atomic():
        services.describe_prompt(prompt="greeter", description="Kinder.", **ada)
        raise Undone
    assert not WebhookDelivery.objects.exists()


def test_a_webhook_that_is_off_is_told_nothing(hook: Webhook, receiver: Receiver, draft: MakeVersion) -> None:
    Webhook.objects.update(active=False)
    draft("v1")
    assert not WebhookDelivery.objects.exists()


@pytest.mark.parametrize("status", [302, 404, 500])
def test_what_is_not_taken_is_sent_again_later(
    hook: Webhook, receiver: Receiver, draft: MakeVersion, status: int
) -> None:
    draft("v1")
    receiver.status = status
    now = soon()
    assert deliver_due(until=now) == 0
    waiting = WebhookDelivery.objects.get()
    assert (waiting.state, waiting.status, waiting.attempts) == ("waiting", status, 1)
    assert deliver_due(until=now + wait_after(1) / 2) == 0
    assert len(receiver.requests) == 1, "neither before its time, nor to where it was redirected"
    receiver.status = 200
    assert deliver_due(until=now + wait_after(1)) == 1
    first, second = (body for _, body in receiver.requests)
    assert first == second


def test_the_waits_grow_and_end(hook: Webhook, receiver: Receiver, draft: MakeVersion) -> None:
    draft("v1")
    receiver.status = 503
    now = soon()
    for attempt in range(1, MAX_ATTEMPTS + 1):
        deliver_due(until=now)
        now += wait_after(attempt)
    delivery = WebhookDelivery.objects.get()
    assert (delivery.state, delivery.attempts, delivery.error) == ("given up", 10, "answered 503")
    deliver_due(until=now + timedelta(days=1))
    assert len(receiver.requests) == MAX_ATTEMPTS
    assert wait_after(4) == timedelta(seconds=80)


def test_a_receiver_that_is_away_is_no_error_of_ours(hook: Webhook, draft: MakeVersion) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        Webhook.objects.update(url=f"http://127.0.0.1:{taken.getsockname()[1]}/")
        draft("v1")
        assert deliver_due(until=soon()) == 0
    assert "ClientConnectorError" in WebhookDelivery.objects.get().error


def test_workers_at_once_send_each_delivery_once(
    transactional_db: None, receiver: Receiver, private: None
) -> None:
    Webhook.objects.create(url=receiver.url)
    for number in range(30):
        services.create_prompt(name=f"p{number}", actor="ada", door="rest")
    until = soon()
    at_once([lambda: deliver_due(until=until)] * 4)
    deliver_due(until=until)
    assert len({body for _, body in receiver.requests}) == len(receiver.requests) == 30


def test_what_a_dead_worker_took_is_sent_by_another(
    hook: Webhook, receiver: Receiver, draft: MakeVersion
) -> None:
    draft("v1")
    now = soon()
    WebhookDelivery.objects.update(attempts=1, next_at=now + LEASE)
    assert deliver_due(until=now) == 0
    assert deliver_due(until=now + LEASE) == 1


def test_who_takes_nothing_keeps_nobody_else_waiting(
    hook: Webhook, receiver: Receiver, draft: MakeVersion
) -> None:
    with receiving() as silent:
        silent.status = 503
        Webhook.objects.update(url=silent.url)
        for number in range(AT_ONCE):
            draft(f"v{number}")
        now = soon()
        deliver_due(until=now)
        Webhook.objects.update(active=False)
        Webhook.objects.create(url=receiver.url)
        draft("last")
        Webhook.objects.update(active=True)
        later = now + 2 * wait_after(1)
        WebhookDelivery.objects.filter(attempts=0).update(next_at=later)
        deliver_due(until=later)
    assert len(receiver.requests) == 1


def test_old_deliveries_are_forgotten_and_waiting_ones_never(hook: Webhook, draft: MakeVersion) -> None:
    draft("v1")
    deliver_due(until=soon())
    draft("v2")
    forget_old(now=soon() + KEPT)
    assert WebhookDelivery.objects.get().change.version == "v2"


ELSEWHERE = [
    "http://127.0.0.1:{port}/",
    "http://127.1:{port}/",
    "http://2130706433:{port}/",
    "http://0x7f000001:{port}/",
    "http://0177.0.0.1:{port}/",
    "http://0:{port}/",
    "http://0.0.0.0:{port}/",
    "http://[::1]:{port}/",
    "http://[::ffff:127.0.0.1]:{port}/",
    "http://[::ffff:7f00:1]:{port}/",
    "http://localhost:{port}/",
    "http://LocalHost:{port}/",
    "http://public.example@127.0.0.1:{port}/",
    "http://169.254.169.254/latest/meta-data/",
    "http://10.0.0.1/",
]


@pytest.mark.parametrize("url", ELSEWHERE)
def test_no_address_inside_is_reached_however_it_is_written(
    prompt: Prompt, receiver: Receiver, draft: MakeVersion, url: str
) -> None:
    Webhook.objects.create(url=url.format(port=receiver.server_port))
    draft("v1")
    assert deliver_due(until=soon()) == 0
    assert receiver.requests == []
    error = WebhookDelivery.objects.get().error
    assert "is not a public address" in error or "is not a canonical IPv4 address" in error


@pytest.mark.parametrize("address", ["8.8.8.8", "2001:4860:4860::8888", "::ffff:8.8.8.8"])
def test_the_public_internet_is_public(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize(
    "address",
    [
        *("127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0"),  # noqa: S104
        *("224.0.0.1", "255.255.255.255", "198.18.0.1", "192.0.0.1"),
        *("::1", "::", "fe80::1", "fe80::1%eth0", "fd00::1", "fec0::1", "ff02::1", "2001:db8::1"),
        *("::ffff:127.0.0.1", "::127.0.0.1", "2002:7f00:1::", "64:ff9b::7f00:1", "64:ff9b:1::7f00:1"),
    ],
)
def test_nothing_else_is(address: str) -> None:
    assert not is_public(address)


@pytest.fixture
def admin(client: Client, db: None) -> Client:
    client.force_login(User.objects.create_superuser("grace"))
    return client


@pytest.mark.parametrize("url", ["ftp://example.com/", "javascript:alert(1)", "example.com", "http://"])
def test_the_admin_takes_web_addresses_only(admin: Client, url: str) -> None:
    assert admin.post("/admin/prompts_app/webhook/add/", {"url": url}).status_code == 200
    assert not Webhook.objects.exists()


def test_a_webhook_is_made_in_the_admin_and_shows_its_secret(admin: Client) -> None:
    sent = {"url": "https://example.com/hook", "active": "on"}
    assert admin.post("/admin/prompts_app/webhook/add/", sent).status_code == 302
    webhook = Webhook.objects.get()
    page = admin.get(f"/admin/prompts_app/webhook/{webhook.pk}/change/").content.decode()
    assert webhook.secret in page
    assert "X-Webhook-Signature" in page


def test_no_secret_is_shown_before_there_is_one(admin: Client) -> None:
    assert "how to verify" not in admin.get("/admin/prompts_app/webhook/add/").content.decode().lower()


def test_deliveries_are_visible_and_can_be_sent_again(
    admin: Client, hook: Webhook, receiver: Receiver, draft: MakeVersion
) -> None:
    draft("v1")
    receiver.status = 500
    deliver_due(until=soon())
    WebhookDelivery.objects.update(state="given up", ended_at=timezone.now())
    page = "/admin/prompts_app/webhookdelivery/"
    assert "answered 500" in admin.get(page).content.decode()
    delivery = WebhookDelivery.objects.get()
    admin.post(page, {"action": "send_again", "_selected_action": [delivery.pk]})
    receiver.status = 200
    assert deliver_due(until=soon()) == 1


def test_who_may_only_look_cannot_send_again(client: Client, hook: Webhook, draft: MakeVersion) -> None:
    draft("v1")
    viewer = User.objects.create_user("vera", is_staff=True)
    viewer.user_permissions.add(Permission.objects.get(codename="view_webhookdelivery"))
    client.force_login(viewer)
    page = client.get("/admin/prompts_app/webhookdelivery/")
    assert page.status_code == 200
    assert "Send again" not in page.content.decode()
