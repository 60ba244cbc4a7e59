"""The whole registry at one moment, as a worker keeps it in memory."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from prompts_app.content import VersionContent
from prompts_app.exceptions import PromptNotFound, VersionNotFound
from prompts_app.splitting import choose


class VersionEntry(NamedTuple):
    """One version, without its content. A tuple, because a registry may have a hundred thousand."""

    id: int
    label: str
    status: str
    revision: int
    size: int
    """Bytes of its texts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PromptEntry:
    name: str
    description: str
    active: str | None
    split: Mapping[str, int]
    owners: tuple[str, ...]
    """Of the split's buckets; empty without a split."""
    phase: int
    salt: str
    revision: int
    updated_at: datetime
    pinned: str | None
    """The version that the environment demands."""
    versions: Mapping[str, VersionEntry]
    """By label, the newest first."""

    @property
    def newest_first(self) -> list[VersionEntry]:
        return list(self.versions.values())

    def version(self, label: str, *, allow_drafts: bool = False) -> VersionEntry:
        """Raises `VersionNotFound`, also for what is not published unless it is a draft that is allowed."""
        version = self.versions.get(label)
        if version is None:
            raise VersionNotFound(f"{self.name} has no version {label[:40]}")
        if version.status != "published" and not (allow_drafts and version.status == "draft"):
            raise VersionNotFound(f"{self.name} {label} is {version.status}, not published")
        return version

    def choose(self, *, unit: str) -> tuple[VersionEntry, str]:
        """The version that answers `unit` and why: "pinned by environment", "split" or "active".

        Raises `VersionNotFound` for a pin to nothing, `PromptNotFound` while nothing is live.
        """
        if self.pinned is not None:
            return self._pinned(self.pinned), "pinned by environment"
        if self.split:
            return self.versions[choose(self.owners, unit=unit, salt=self.salt)], "split"
        if self.active is not None:
            return self.versions[self.active], "active"
        raise PromptNotFound(f"{self.name} has no live version yet")

    def live(self) -> set[str]:
        """The labels that calls without a version of their own can get."""
        candidates = [self.pinned] if self.pinned else [self.active, *self.split]
        return {label for label in candidates if label is not None and label in self.versions}

    def _pinned(self, label: str) -> VersionEntry:
        try:
            return self.version(label)
        except VersionNotFound as exc:
            raise VersionNotFound(f"the environment pins {self.name} to {label}: {exc}") from None


class VersionIndex(NamedTuple):
    """A prompt's versions by label, the newest first."""

    stamp: tuple[int, int]
    """Another one after whatever was done to one of them."""
    versions: Mapping[str, VersionEntry]


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    prompts: Mapping[str, PromptEntry] = field(default_factory=dict)
    """Those in service, by name."""
    indexes: Mapping[int, VersionIndex] = field(default_factory=dict)
    """By the prompt's id, those out of service included."""
    contents: Mapping[VersionEntry, VersionContent] = field(default_factory=dict)
    """Of all live versions, and of the newest others as far as they fit."""

    def prompt(self, name: str) -> PromptEntry:
        """Raises `PromptNotFound`."""
        try:
            return self.prompts[name]
        except KeyError:
            raise PromptNotFound(f"there is no prompt {name[:64]}") from None
