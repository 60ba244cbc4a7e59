"""`{{> name}}`: the live text of another prompt, included in this one."""

import re
from collections.abc import Callable, Iterable, Mapping

from prompts_app.exceptions import ChangeRefused

PARTIAL = re.compile(r"\{\{>[ \t]*([a-z0-9][a-z0-9_-]{0,63})[ \t]*\}\}")
MAX_BYTES = 256 * 1024

Live = Callable[[str], tuple[str, Mapping[str, str]]]
"""A prompt's live text as written, and what it includes. Raises `ChangeRefused` where there is none."""


def included(texts: Iterable[str]) -> list[str]:
    """The names that the texts include, each once."""
    return list(dict.fromkeys(name for text in texts for name in PARTIAL.findall(text)))


def expand(text: str, partials: Mapping[str, str]) -> str:
    """In one pass; a name that `partials` does not have stays as it is."""
    return PARTIAL.sub(lambda found: partials.get(found[1], found[0]), text)


def collect(name: str, texts: Iterable[str], *, live: Live) -> dict[str, str]:
    """What the texts of the prompt `name` include, whole.

    Raises `ChangeRefused` for what is not live, and for a cycle, which it names.
    """
    partials: dict[str, str] = {}
    checked: set[str] = set()
    for partial in included(texts):
        _refuse_cycle((name, partial), live, checked)
        partials[partial] = expand(*live(partial))
    if sum(map(len, partials.values())) > MAX_BYTES:
        raise ChangeRefused(f"the included texts are larger than {MAX_BYTES // 1024} kB")
    return partials


def _refuse_cycle(path: tuple[str, ...], live: Live, checked: set[str]) -> None:
    if path[-1] in path[:-1]:
        raise ChangeRefused("prompts include each other: " + " → ".join(path))
    if path[-1] not in checked:
        text, _ = live(path[-1])
        for partial in included([text]):
            _refuse_cycle((*path, partial), live, checked)
        checked.add(path[-1])
