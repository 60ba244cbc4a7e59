"""Typed values out of named texts: how each kind of variable is read, and what a wrong one is told."""

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NoReturn, TypeVar
from urllib.parse import unquote, urlsplit

import environ

N = TypeVar("N", int, float)


class InvalidEnvironment(Exception):
    """A variable is missing or wrong; the message names it and says what it takes."""


class Reader:
    """Typed look-ups in one mapping. An empty value counts as absent."""

    def __init__(self, source: Mapping[str, str]) -> None:
        self.source = source

    def text(self, name: str, default: str = "") -> str:
        return self.source.get(name, "").strip() or default

    def boolean(self, name: str, default: bool) -> bool:
        value = self.text(name).lower()
        if value in ("1", "true", "yes", "on"):
            return True
        if value in ("0", "false", "no", "off"):
            return False
        return default if not value else _refuse(name, "1 or 0", value)

    def integer(self, name: str, default: int, *, least: int, most: int | None = None) -> int:
        takes = f"a whole number from {least}" + (f" to {most}" if most else "")
        return self._number(name, default, int, takes, lambda number: least <= number <= (most or number))

    def seconds(self, name: str, default: float) -> float:
        return self._number(
            name, default, float, "seconds above 0, at most 3600", lambda number: 0 < number <= 3600
        )

    def _number(
        self, name: str, default: N, kind: Callable[[str], N], takes: str, fits: Callable[[N], bool]
    ) -> N:
        value = self.text(name)
        if not value:
            return default
        try:
            number = kind(value)
        except ValueError:
            _refuse(name, takes, value)
        return number if fits(number) else _refuse(name, takes, value)

    def choice(self, name: str, default: str, choices: tuple[str, ...]) -> str:
        value = self.text(name, default)
        return value if value in choices else _refuse(name, "one of " + ", ".join(choices), value)

    def words(self, name: str, default: list[str]) -> list[str]:
        return [word.strip() for word in self.text(name).split(",") if word.strip()] or default

    def file(self, name: str, default: Path) -> Path:
        value = self.text(name)
        path = Path(value).absolute() if value else default
        return path if path.is_file() else _refuse(name, "the path of a file", value)

    def origins(self, name: str) -> list[str]:
        origins = self.words(name, [])
        for origin in origins:
            if origin != "*" and not re.fullmatch(r"https?://[^/\s]+", origin):
                _refuse(name, "origins such as https://app.example.com, separated by commas", origin)
        return origins

    def hosts(self, name: str) -> list[str]:
        hosts = [host.lower() for host in self.words(name, [])]
        for host in hosts:
            if not re.fullmatch(r"(\*\.)?[a-z0-9-]+(\.[a-z0-9-]+)*(:\d{1,5})?", host):
                _refuse(name, "hosts such as images.example.com or *.example.com, separated by commas", host)
        return hosts

    def headers(self, name: str) -> dict[str, str]:
        pairs = [word.partition("=") for word in self.words(name, [])]
        if not all(key.strip() and value for key, _, value in pairs):
            raise InvalidEnvironment(f"{name} takes name=value pairs, separated by commas")
        return {key.strip(): unquote(value.strip()) for key, _, value in pairs}

    def url(self, name: str, default: str, schemes: tuple[str, ...] = ("http", "https")) -> str:
        value = self.text(name, default)
        if value and (_scheme(value) not in schemes or "://" not in value):
            _refuse(
                name, "a URL that starts with " + " or ".join(f"{scheme}://" for scheme in schemes), value
            )
        return value.rstrip("/")

    def database(self, name: str) -> dict[str, Any]:
        value = self.text(name)
        if not value:
            raise InvalidEnvironment(f"{name} is not set: give a postgresql:// URL, or start with `make run`")
        if _scheme(value) not in ("postgres", "postgresql"):
            _refuse(name, "a URL that starts with postgresql://", value)
        return dict(environ.Env.db_url_config(value))

    def secret_key(self, debug: bool) -> str:
        value = self.text("SECRET_KEY")
        if not value and not debug:
            raise InvalidEnvironment("SECRET_KEY is not set: give a long random text (or DEBUG=1 to play)")
        return value or "django-insecure-for-debug-only"


def _scheme(url: str) -> str:
    """Empty where the URL does not parse, its port included."""
    try:
        parts = urlsplit(url)
        return parts.scheme if parts.port != 0 else ""
    except ValueError:
        return ""


def _refuse(name: str, takes: str, value: str) -> NoReturn:
    shown = "that" if re.search(r"KEY|SECRET|URL", name) else repr(value[:80])
    raise InvalidEnvironment(f"{name} takes {takes}, not {shown}")
