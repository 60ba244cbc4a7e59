"""What else must hold before a version is published. `PROMPTS["PUBLISH_CHECKS"]` names who looks."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from prompts_app import conf
from prompts_app.content import VersionContent
from prompts_app.models import PromptVersion


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A version that somebody wants to publish."""

    prompt: str
    version: str
    content: VersionContent
    """With what it includes of other prompts, as publishing would freeze it."""
    live: tuple[str, ...]
    """The versions that answer calls now; none while the prompt is new."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Objection:
    says: str
    """A sentence."""
    url: str = ""
    """A page of the admin that helps; empty where there is none."""
    label: str = ""
    """What the link to it says."""


class PublishCheck(Protocol):
    def __call__(self, candidate: Candidate) -> Sequence[Objection]:
        """Nothing where there is nothing against it. Reads the database, and writes nothing."""


def objections(draft: PromptVersion) -> list[Objection]:
    """What all checks have against publishing `draft` as it is now."""
    prompt = draft.prompt
    active = (prompt.active_version.label,) if prompt.active_version else ()
    candidate = Candidate(
        prompt=prompt.name,
        version=draft.label,
        content=draft.content,
        live=tuple(dict.fromkeys((*active, *prompt.traffic_split))),
    )
    return [objection for check in conf.publish_checks() for objection in check(candidate)]
