"""What the versions say that a run asks: published ones, and drafts before they are published."""

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


def changed_versions(prompt: str, digests: Mapping[str, str]) -> list[str]:
    """Those that no longer say what they said under these digests, or are gone."""
    changed = []
    for label, digest in digests.items():
        try:
            now = version_contents(prompt, [label])[label].digest
        except RunRefused:
            now = ""
        if now != digest:
            changed.append(label)
    return changed
