"""Two texts beside each other, with the words marked that only one of them has."""

import re
from dataclasses import dataclass
from difflib import SequenceMatcher

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

WORD = re.compile(r"\s+|[^\s]+")
MOST = 20_000
"""Characters beyond which two texts are shown without their difference."""


@dataclass(frozen=True, slots=True)
class Marked:
    before: SafeString
    after: SafeString


def word_diff(before: str, after: str) -> Marked:
    """Words that are gone stand in `<del>` on the left, new ones in `<ins>` on the right."""
    if len(before) + len(after) > MOST:
        return Marked(format_html("{}", before), format_html("{}", after))
    old, new = WORD.findall(before), WORD.findall(after)
    steps = SequenceMatcher(a=old, b=new, autojunk=False).get_opcodes()
    return Marked(
        _joined([(kind, "".join(old[start:end])) for kind, start, end, _, _ in steps], "del"),
        _joined([(kind, "".join(new[start:end])) for kind, _, _, start, end in steps], "ins"),
    )


def _joined(pieces: list[tuple[str, str]], tag: str) -> SafeString:
    marked = (
        (format_html("{}" if kind == "equal" else f"<{tag}>{{}}</{tag}>", text),)
        for kind, text in pieces
        if text
    )
    return format_html_join("", "{}", marked)
