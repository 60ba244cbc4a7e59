"""The front door for whoever sends prompts: names and variables in, messages out, from memory."""

import time
from collections.abc import Mapping
from functools import partial
from typing import Any

import msgspec
import structlog
from django.db import DatabaseError

from prompts_app.content import Message as RenderedMessage
from prompts_app.content import VersionContent
from prompts_app.exceptions import RegistryUnavailable, VersionNotFound
from prompts_app.refresh import Refreshed, RefreshState, in_thread
from prompts_app.snapshot import PromptEntry, Snapshot, VersionEntry
from prompts_app.snapshot_loading import fetch_contents, load_snapshot, revision

__all__ = ["Registry", "RenderedMessage", "ResolvedPrompt", "registry"]

MAX_FETCHED = 256
log = structlog.get_logger()


class ResolvedPrompt(msgspec.Struct, frozen=True, kw_only=True):
    """One version of a prompt, rendered."""

    prompt_name: str
    version: str
    version_id: int
    phase: int
    """Of the experiment: grows with each change of split or active version."""
    arm_reason: str
    """"pinned by caller", "pinned by environment", "split" or "active"."""
    messages: tuple[RenderedMessage, ...]
    model: str | None
    """None: the version leaves it to the caller or the gateway."""
    parameters: Mapping[str, Any]
    response_schema: Mapping[str, Any] | None
    variables: Mapping[str, Any]
    """As given."""


class Registry:
    """An immutable snapshot of all prompts, at most `interval` seconds (and a load) behind the database."""

    def __init__(self, *, interval: float = 0.3, content_budget: int = 4 * 1024 * 1024) -> None:
        """`content_budget`: bytes of texts to keep in memory besides those of live versions."""
        self._content_budget = content_budget
        self._fetched: dict[VersionEntry, VersionContent] = {}
        self._refreshed = Refreshed(name="registry", load=self._load, revision=revision, interval=interval)

    async def start(self) -> None:
        """Loads and begins to follow the database. Does not fail without one: it is tried again."""
        await self._refreshed.start()

    async def stop(self) -> None:
        await self._refreshed.stop()

    def catch_up(self) -> None:
        """For threads of a process where nobody called `start`: loads here and now what has changed.

        Raises `RegistryUnavailable` when the database is away and nothing was ever loaded.
        """
        if not self._refreshed.running:
            try:
                self._refreshed.refresh()
            except DatabaseError as exc:
                if self._refreshed.value is None:
                    raise RegistryUnavailable("the prompts cannot be loaded: no database") from exc

    @property
    def state(self) -> RefreshState:
        return self._refreshed.state

    def resolve(
        self,
        name: str,
        *,
        variables: Mapping[str, Any],
        unit: str,
        version: str | None = None,
        allow_drafts: bool = False,
    ) -> ResolvedPrompt:
        """The prompt as `unit` gets it, or as that `version` says it. Neither waits nor blocks.

        Raises `PromptNotFound`, `VersionNotFound`, `VariablesInvalid`, `TemplateInvalid`, and
        `RegistryUnavailable` before the first load or for a text that is not in memory (see `aresolve`).
        """
        prompt = self._snapshot.prompt(name)
        entry, reason = _choose(prompt, version, unit=unit, allow_drafts=allow_drafts)
        content = self._in_memory(entry)
        if content is None:
            raise RegistryUnavailable(f"{name} {entry.label} is not in memory")
        messages = content.render(variables)
        log.debug("prompt_loaded", prompt=name, version=entry.label, phase=prompt.phase, reason=reason)
        return ResolvedPrompt(
            prompt_name=name,
            version=entry.label,
            version_id=entry.id,
            phase=prompt.phase,
            arm_reason=reason,
            messages=messages,
            model=content.model or None,
            parameters=content.asked,
            response_schema=content.response_schema,
            variables=variables,
        )

    async def aresolve(
        self,
        name: str,
        *,
        variables: Mapping[str, Any],
        unit: str,
        version: str | None = None,
        allow_drafts: bool = False,
    ) -> ResolvedPrompt:
        """As `resolve`, for any version: an old one of a huge registry is fetched in a thread first."""
        entry = self.prompt(name).versions.get(version) if version else None
        if entry and self._in_memory(entry) is None:
            await in_thread(partial(self.content, entry), name="registry-fetch")
        return self.resolve(name, variables=variables, unit=unit, version=version, allow_drafts=allow_drafts)

    def prompts(self) -> list[PromptEntry]:
        """All in service, by name."""
        prompts = self._snapshot.prompts
        return [prompts[name] for name in sorted(prompts)]

    def prompt(self, name: str) -> PromptEntry:
        """Raises `PromptNotFound`."""
        return self._snapshot.prompt(name)

    def versions(self, name: str) -> list[VersionEntry]:
        """Published and archived ones and drafts, the newest first. Raises `PromptNotFound`."""
        return self.prompt(name).newest_first

    def content(self, entry: VersionEntry) -> VersionContent:
        """What that version says, in memory from then on. May wait for the database: for threads only."""
        return self._in_memory(entry) or self._fetch(entry)

    @property
    def _snapshot(self) -> Snapshot:
        if self._refreshed.value is None:
            raise RegistryUnavailable("the prompts are not loaded yet")
        return self._refreshed.value

    def _load(self) -> Snapshot:
        started = time.perf_counter()
        snapshot = load_snapshot(self._refreshed.value or Snapshot(), content_budget=self._content_budget)
        took = round((time.perf_counter() - started) * 1000)
        log.debug("registry_read", prompts=len(snapshot.prompts), contents=len(snapshot.contents), ms=took)
        return snapshot

    def _in_memory(self, entry: VersionEntry) -> VersionContent | None:
        return self._snapshot.contents.get(entry) or self._fetched.get(entry)

    def _fetch(self, entry: VersionEntry) -> VersionContent:
        try:
            fetched = dict(fetch_contents([entry]))
        except DatabaseError as exc:
            raise RegistryUnavailable(f"{entry.label} cannot be fetched: no database") from exc
        if entry not in fetched:
            raise VersionNotFound(f"{entry.label} has changed at this moment: try again")
        if len(self._fetched) >= MAX_FETCHED:
            self._fetched.clear()
        self._fetched.update(fetched)
        return fetched[entry]


def _choose(
    prompt: PromptEntry, version: str | None, *, unit: str, allow_drafts: bool
) -> tuple[VersionEntry, str]:
    if version is not None:
        return prompt.version(version, allow_drafts=allow_drafts), "pinned by caller"
    return prompt.choose(unit=unit)


registry = Registry()
"""The one of this process."""
