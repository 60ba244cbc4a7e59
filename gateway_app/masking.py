"""Takes out of a text what must not be kept: addresses, numbers, secrets."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec
import yaml


class MasksInvalid(ValueError):
    """The file does not say what rules must say; the message names the rule."""


@dataclass(frozen=True, slots=True)
class Mask:
    name: str
    pattern: re.Pattern[str]
    luhn: bool = False
    """Only digits that end in their check digit (ISO/IEC 7812) are meant."""

    def apply(self, text: str) -> str:
        return self.pattern.sub(self._replacement, text)

    def _replacement(self, match: re.Match[str]) -> str:
        return match[0] if self.luhn and not ends_in_check_digit(match[0]) else f"[{self.name}]"


Masks = Sequence[Mask]


def mask(text: str, masks: Masks) -> str:
    """`text` with each match replaced by its rule's name in brackets."""
    for rule in masks:
        text = rule.apply(text)
    return text


def ends_in_check_digit(text: str) -> bool:
    """Luhn's formula over the digits of `text`."""
    digits = [int(character) for character in text if character.isdecimal()]
    doubled = [sum(divmod(2 * digit, 10)) for digit in digits[-2::-2]]
    return (sum(digits[-1::-2]) + sum(doubled)) % 10 == 0


class _Rule(msgspec.Struct, forbid_unknown_fields=True):
    name: str
    pattern: str
    check: str = ""


class _Rules(msgspec.Struct, forbid_unknown_fields=True):
    masks: list[_Rule]


def load(path: Path) -> Masks:
    """The rules of a YAML file. Raises `MasksInvalid`."""
    try:
        rules = msgspec.convert(yaml.safe_load(path.read_text(encoding="utf-8")), _Rules).masks
    except (msgspec.ValidationError, yaml.YAMLError) as exc:
        raise MasksInvalid(f"{path}: {exc}") from exc
    return tuple(_mask(rule) for rule in rules)


def _mask(rule: _Rule) -> Mask:
    if rule.check not in ("", "luhn"):
        raise MasksInvalid(f"mask {rule.name}: check is luhn or absent, not {rule.check}")
    try:
        return Mask(rule.name, re.compile(rule.pattern), luhn=rule.check == "luhn")
    except re.error as exc:
        raise MasksInvalid(f"mask {rule.name}: {exc}") from exc
