"""The app's settings; nothing else in it reads them."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from django.conf import settings


def directory() -> Path:
    """Where `sync_prompts` and `export_prompts` look when they are not told."""
    return Path(_prompts()["DIRECTORY"])


def pin(name: str) -> str | None:
    """The version to which the environment pins that prompt."""
    pins: Mapping[str, str] = _prompts()["PINS"]
    return pins.get(name.upper().replace("-", "_"))


def require_review() -> bool:
    """Whether somebody else than its writers must publish a version."""
    return bool(_prompts().get("REQUIRE_REVIEW", False))


def _prompts() -> Mapping[str, Any]:
    return settings.PROMPTS
