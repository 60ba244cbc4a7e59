"""What the versions say that a run asks: published ones, and drafts before they are published."""

import hashlib
import json
from collections.abc import Iterable, Mapping

from evals_app.exceptions import RunRefused
from prompts_app.content import VersionContent
from prompts_app.exceptions import PromptError
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


def changed_versions(prompt: str, digests: Mapping[str, str]) -> list[str]:
    """Those that no longer say what they said under these digests, or are gone."""
    changed = []
    for label, digest in digests.items():
        try:
            now = spoken(version_contents(prompt, [label])[label])
        except RunRefused:
            now = ""
        if now != digest:
            changed.append(label)
    return changed
