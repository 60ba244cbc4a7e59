import asyncio
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from pytest_django import Settings

from prompts_app import services
from prompts_app.changes import By
from prompts_app.content import VersionContent
from prompts_app.models import Prompt, PromptVersion
from prompts_app.refresh import in_thread

ADA: By = {"actor": "ada", "door": "admin", "why": "because"}

MakeVersion = Callable[..., PromptVersion]


async def eventually(condition: Callable[[], bool], *, within: float = 5.0) -> None:
    """Waits until `condition` holds; fails after `within` seconds."""
    for _ in range(round(within / 0.01)):
        if condition():
            return
        await asyncio.sleep(0.01)
    pytest.fail(f"it did not happen within {within:g} s")


async def elsewhere(function: Callable[..., object], **arguments: Any) -> None:
    """Calls it in a thread, as another process would, and leaves no connection behind."""
    await in_thread(partial(function, **arguments), name="elsewhere")


@pytest.fixture
def ada() -> By:
    return ADA


@pytest.fixture
def bare_errors(settings: Settings) -> None:
    """What our verbs raise comes out of the test client; the error table is the gateway's business."""
    handler = {"EXCEPTION_HANDLER": "rest_framework.views.exception_handler"}
    settings.REST_FRAMEWORK = settings.REST_FRAMEWORK | handler


@pytest.fixture
def prompt(db: None) -> Prompt:
    return services.create_prompt(name="greeter", description="Says hello.", **ADA)


@pytest.fixture
def draft(prompt: Prompt) -> MakeVersion:
    """Saves a draft: `draft("v1", user="Hello {{name}}")`."""

    def save(label: str, **content: Any) -> PromptVersion:
        text = {"user": f"{label}: hello {{{{name}}}}"} | content
        return services.save_draft(prompt=prompt.name, version=label, content=VersionContent(**text), **ADA)

    return save


@pytest.fixture
def published(prompt: Prompt, draft: MakeVersion) -> MakeVersion:
    """Saves a draft and publishes it."""

    def publish(label: str, **content: Any) -> PromptVersion:
        draft(label, **content)
        return services.publish_version(prompt=prompt.name, version=label, **ADA)

    return publish


@pytest.fixture
def grace(db: None) -> User:
    return User.objects.create_superuser("grace")


@pytest.fixture
def admin(client: Client, grace: User) -> Client:
    client.force_login(grace)
    return client


@pytest.fixture
def live(published: MakeVersion, ada: By) -> Prompt:
    published("v1", system="Be kind.")
    published("v2")
    return services.activate_version(prompt="greeter", version="v1", **ada)
