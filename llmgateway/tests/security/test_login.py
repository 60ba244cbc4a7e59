"""Guessing passwords is slow, and locks out nobody but the guesser."""

from datetime import timedelta

import pytest
from axes.models import AccessAttempt
from django.conf import settings
from django.contrib.auth.models import User
from django.http import HttpResponse
from django.test import Client, RequestFactory
from django.utils.timezone import now

from llmgateway.login_attempts import connected, forwarded

LOGIN = "/admin/login/"
GUESSES = settings.AXES_FAILURE_LIMIT


@pytest.fixture
def ada(db: None) -> User:
    return User.objects.create_superuser("ada", password="right horse")


def log_in(password: str, *, name: str = "ada", address: str = "192.0.2.1") -> HttpResponse:
    sent = {"username": name, "password": password}
    return Client(REMOTE_ADDR=address).post(f"{LOGIN}?next=/admin/", sent)


def guess(times: int = GUESSES, **who: str) -> HttpResponse:
    return [log_in("wrong", **who) for _ in range(times)][-1]


def test_after_too_many_wrong_passwords_the_right_one_waits_too(ada: User) -> None:
    assert guess(GUESSES - 1).status_code == 200
    assert guess(1).status_code == 429
    assert log_in("right horse").status_code == 429


def test_who_comes_from_elsewhere_is_not_locked_out(ada: User) -> None:
    guess()
    assert log_in("right horse", address="192.0.2.2").status_code == 302


def test_who_changes_the_address_within_his_own_network_is_locked_out(ada: User) -> None:
    guess(address="2001:db8::1")
    assert log_in("right horse", address="2001:db8::ffff:2").status_code == 429
    assert log_in("right horse", address="2001:db8:0:1::1").status_code == 302


def test_nobody_is_locked_out_for_ever_and_trying_does_not_prolong_it(ada: User) -> None:
    guess()
    AccessAttempt.objects.update(attempt_time=now() - settings.AXES_COOLOFF_TIME + timedelta(seconds=30))
    assert guess(5).status_code == 429
    AccessAttempt.objects.update(attempt_time=now() - settings.AXES_COOLOFF_TIME - timedelta(seconds=1))
    assert log_in("right horse").status_code == 302


def test_a_good_login_forgets_the_bad_ones(ada: User) -> None:
    guess(GUESSES - 1)
    assert log_in("right horse").status_code == 302
    assert guess(GUESSES - 1).status_code == 200


def test_no_password_is_kept(ada: User) -> None:
    log_in("my other password, by mistake")
    assert "mistake" not in str(AccessAttempt.objects.values().get())


@pytest.mark.parametrize("name", ["x" * 5000, "a\x00b", "'; DROP TABLE x; --", "ﬀ\u202e", ""])
def test_strange_names_are_just_wrong(db: None, name: str) -> None:
    assert log_in("wrong", name=name).status_code == 200


@pytest.mark.parametrize(
    "target", ["//evil.example", "https://evil.example/", "/\\evil.example", "javascript:1"]
)
def test_a_login_leads_nowhere_but_here(ada: User, target: str) -> None:
    sent = {"username": "ada", "password": "right horse", "next": target}
    response = Client().post(f"{LOGIN}?next={target}", sent)
    assert (response.status_code, response["Location"]) == (302, "/admin/")


@pytest.mark.parametrize(
    ("header", "found"),
    [
        ("203.0.113.9, 198.51.100.7", "198.51.100.7"),
        ("198.51.100.7", "198.51.100.7"),
        ("203.0.113.9, 198.51.100.7:5678", "198.51.100.7"),
        ("2001:db8::1", "2001:db8::"),
        ("2001:db8:0:1:2:3:4:5", "2001:db8:0:1::"),
        ("[2001:db8::3]:443", "2001:db8::"),
        ("[2001:db8::3]", "2001:db8::"),
        ("::ffff:198.51.100.7", "198.51.100.7"),
        ("[198.51.100.7", "127.0.0.1"),
        ("unknown", "127.0.0.1"),
        ("", "127.0.0.1"),
        ("'; --", "127.0.0.1"),
    ],
)
def test_behind_a_proxy_the_address_is_the_one_that_the_proxy_wrote(header: str, found: str) -> None:
    request = RequestFactory().get("/", headers={"X-Forwarded-For": header})
    assert forwarded(request) == found
    assert connected(request) == "127.0.0.1"
