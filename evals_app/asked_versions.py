"""What the versions say that a run asks: published ones, and drafts before they are published."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from datetime import datetime

from evals_app.exceptions import RunRefused
from prompts_app.content import VersionContent
from prompts_app.exceptions import PromptError
from prompts_app.history import written_since
from prompts_app.registry import registry


def version_contents(prompt: str, labels: Iterable[str]) -> dict[str, VersionContent]:
    """As they stand now. Raises `RunRefused` for what is not there."""
    try:
        registry.catch_up()
        entry = registry.prompt(prompt)
        return {label: registry.content(entry.version(label, allow_drafts=True)) for label in labels}
    except PromptError as exc:
        raise RunRefused(str(exc)) from exc


def spoken(content: VersionContent) -> str:
    """SHA-256 of what a version says, with what it includes of other prompts."""
    if not content.partials:
        return content.digest
    said = json.dumps([content.digest, content.partials], sort_keys=True)
    return hashlib.sha256(said.encode()).hexdigest()


def changed_versions(prompt: str, digests: Mapping[str, str], *, since: datetime) -> list[str]:
    """Those that no longer say what they said under these digests, are gone, or were saved after `since`.

    A draft may have been another one meanwhile, and be again what it was.
    """
    written = written_since(prompt, since)
    changed = []
    for label, digest in digests.items():
        try:
            now = spoken(version_contents(prompt, [label])[label])
        except RunRefused:
            now = ""
        if now != digest or label in written:
            changed.append(label)
    return changed
