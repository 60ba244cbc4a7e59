"""What every page and every reply tells the browser to refuse."""

import json
import subprocess
import sys
from collections.abc import Iterator

import httpx
import pytest
from django.test import Client

from llmgateway.env import ROOT
from llmgateway.stack import Stack

PAGES = ["/admin/login/", "/admin/", "/docs/", "/docs/?script=", "/schema/", "/"]


@pytest.fixture(scope="module")
def web(stack: Stack) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=stack.url, timeout=20) as client:
        yield client


def policy(response: httpx.Response) -> dict[str, list[str]]:
    parts = [part.split() for part in response.headers["Content-Security-Policy"].split(";")]
    return {name: sources for name, *sources in parts}


@pytest.mark.parametrize("page", PAGES)
def test_a_page_runs_no_script_but_our_files_and_is_framed_by_nobody(web: httpx.Client, page: str) -> None:
    response = web.get(page)
    found = policy(response)
    assert found["default-src"] == found["frame-ancestors"] == found["base-uri"] == ["'none'"]
    assert found["form-action"] == found["connect-src"] == ["'self'"]
    assert set(found["script-src"]) <= {"'self'", "'unsafe-eval'"}
    assert response.headers["X-Frame-Options"] == "DENY"
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert response.headers["Referrer-Policy"] == "same-origin"


def test_the_docs_evaluate_nothing(web: httpx.Client) -> None:
    assert policy(web.get("/docs/"))["script-src"] == ["'self'"]


@pytest.mark.parametrize("path", ["/health", "/prompts", "/nowhere", "/v1/models", "/metrics"])
def test_a_reply_of_the_api_is_taken_for_what_it_says_it_is(web: httpx.Client, path: str) -> None:
    assert web.get(path).headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "127.0.0.1@evil.example", ""])
def test_the_admin_answers_to_its_own_names_only(web: httpx.Client, host: str) -> None:
    assert web.get("/admin/login/", headers={"Host": host}).status_code == 400


def test_what_a_proxy_is_said_to_have_said_is_not_believed(web: httpx.Client) -> None:
    headers = {"X-Forwarded-Host": "evil.example", "X-Forwarded-Proto": "https", "X-Forwarded-For": "1.2.3.4"}
    response = web.get("/", headers=headers)
    assert response.headers["Location"] == "/docs/"


def test_a_form_without_its_token_is_refused(db: None) -> None:
    response = Client(enforce_csrf_checks=True).post("/admin/login/", {"username": "a", "password": "b"})
    assert response.status_code == 403


def test_cookies_and_https_are_strict_in_production() -> None:
    names = (
        "DEBUG", "SESSION_COOKIE_SECURE", "SESSION_COOKIE_HTTPONLY", "SESSION_COOKIE_SAMESITE",
        "CSRF_COOKIE_SECURE", "SECURE_SSL_REDIRECT", "SECURE_HSTS_SECONDS", "SECURE_PROXY_SSL_HEADER",
    )  # fmt: skip
    read = (
        "import json; from django.conf import settings\n"
        f"print(json.dumps([getattr(settings, name) for name in {names}]))"
    )
    environment = {
        "DJANGO_SETTINGS_MODULE": "llmgateway.settings",
        "LLMGATEWAY_ENV_FILES": "/dev/null",
        "SECRET_KEY": "x" * 60,
        "DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none",
    }
    done = subprocess.run(
        [sys.executable, "-c", read], env=environment, cwd=ROOT, capture_output=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    assert dict(zip(names, json.loads(done.stdout), strict=True)) == {
        "DEBUG": False,
        "SESSION_COOKIE_SECURE": True,
        "SESSION_COOKIE_HTTPONLY": True,
        "SESSION_COOKIE_SAMESITE": "Lax",
        "CSRF_COOKIE_SECURE": True,
        "SECURE_SSL_REDIRECT": True,
        "SECURE_HSTS_SECONDS": 31536000,
        "SECURE_PROXY_SSL_HEADER": None,
    }
