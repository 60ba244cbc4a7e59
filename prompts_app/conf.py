"""The app's settings; nothing else in it reads them."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.utils.module_loading import import_string

from prompts_app.figures import Figures

if TYPE_CHECKING:
    from prompts_app.publish_checks import PublishCheck


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


def webhooks_allow_private() -> bool:
    """Whether webhooks may go to addresses that are not public."""
    return bool(_prompts().get("WEBHOOKS_ALLOW_PRIVATE", False))


def publish_checks() -> "list[PublishCheck]":
    """Who may object to publishing a version, in the order in which they are asked."""
    paths: Sequence[str] = _prompts().get("PUBLISH_CHECKS", ())
    return [import_string(path) for path in paths]


def figures() -> Figures | None:
    """Who tells what versions did; None where nobody does."""
    path: str = _prompts().get("FIGURES", "")
    found: Figures | None = import_string(path) if path else None
    return found


def _prompts() -> Mapping[str, Any]:
    return settings.PROMPTS
