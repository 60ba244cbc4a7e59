"""What a text says about a thing with a name: a phrase, a figure, yes or no."""

import hashlib
import re
from collections.abc import Callable, Mapping

from gateway_app.testing.answers import labels
from gateway_app.testing.answers.sentences import best_sentences, keywords, names, sentences, words

FORMATS = {
    "date": (r"\d{4}-\d\d-\d\d", "2026-01-15"),
    "date-time": (r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:Z|[+-]\d\d:\d\d)", "2026-01-15T09:30:00Z"),
    "time": (r"\d\d:\d\d:\d\dZ", "09:30:00Z"),
    "email": (r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+", "someone@example.com"),
    "uri": (r"https?://[^\s\"'<>)]+[^\s\"'<>).,]", "https://example.com/"),
    "uuid": (r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", "00000000-0000-4000-8000-000000000000"),
}
"""JSON Schema's formats: how a value looks, and one to use where the text has none."""

_NAMED = r"((?:[A-ZÀ-Ý][\w-]*\s?)+)"
_NUMBER = re.compile(r"(?<![\w.-])-?\d+(?:\.\d+)?(?!\w)")
_NEGATION = re.compile(r"\b(?:no|not|never|without)\b|n['\u2019]t\b", re.IGNORECASE)
_LONG = re.compile(
    r"summar|reason|explan|descri|rational|justif|comment|analysis|detail|answer|text|message|reply"
    r"|decision|question|task|action|step|point|finding"
)


def formatted(text: str, kind: str) -> str:
    """The first value of the format `kind` in `text`, else a plausible one."""
    pattern, otherwise = FORMATS[kind]
    return (re.search(pattern, text) or [otherwise])[0]


def phrase(text: str, name: str, description: str = "") -> str:
    """What `text` has for a string field of that name."""
    if kind := next((kind for kind in ("email", "date", "uuid") if kind in name.casefold()), None):
        return formatted(text, kind)
    if name and (directed := re.search(rf"\b{re.escape(name)}\s+{_NAMED}", text)):
        return directed[1].strip()
    if _is_long(name):
        return " ".join(best_sentences(text, 1)) or topic(text)
    about = f"{name} {description}".casefold().replace("_", " ")
    found = (find(text) for pattern, find in _FINDERS.items() if re.search(rf"\b(?:{pattern})\b", about))
    return next(filter(None, found), topic(text))


def phrases(text: str, name: str, count: int) -> list[str]:
    """Up to `count` different ones, for a list of that name."""
    if "question" in name.casefold():
        return [sentence for sentence in sentences(text) if sentence.endswith("?")][:count]
    if _is_long(name):
        return best_sentences(text, count)
    return list(dict.fromkeys(names(text) + keywords(text, count)))[:count]


def topic(text: str) -> str:
    return " ".join(keywords(text, 3)) or text.strip() or "unknown"


def figure(text: str, name: str) -> float:
    """A number of where `text` speaks of `name`, else its first one, else how many words it has."""
    found = _NUMBER.findall(" ".join(_about(text, name))) or _NUMBER.findall(text)
    return float(found[0]) if found else float(len(text.split()))


def holds(text: str, name: str, description: str = "") -> bool:
    """Whether `text` speaks of it, and not only to deny it."""
    return any(not _NEGATION.search(sentence) for sentence in _about(text, f"{name} {description}"))


def share(text: str) -> float:
    """A number from 0 to 1 that belongs to `text`."""
    return hashlib.sha256(text.encode(errors="replace")).digest()[0] / 255


def _about(text: str, name: str) -> list[str]:
    asked = labels.signs(words(name.replace("_", " ")))
    return [sentence for sentence in sentences(text) if asked & set(words(sentence))]


def _first_name(text: str) -> str:
    return next(iter(names(text)), "") or topic(text)


def _is_long(name: str) -> bool:
    return bool(_LONG.search(name.casefold()))


def _first(pattern: str) -> Callable[[str], str]:
    """Finds the first group of `pattern`; an empty text where there is none."""
    compiled = re.compile(pattern)
    return lambda text: (compiled.search(text) or ["", ""])[1].strip()


_FINDERS: Mapping[str, Callable[[str], str]] = {
    "street|address": _first(r"\b(\d+[a-z]?(?:\s+[A-ZÀ-Ý][\w-]*)+)"),
    "city|country|place|location|town|capital|destination|origin": _first(
        rf"\b(?:in|at|near|to|from|for|of)\s+{_NAMED}"
    ),
    "due|deadline": _first(r"\b(?:by|on|until|before)\s+((?:[A-Z]\w+|\d+)(?:\s+[A-Z\d]\w*)*)"),
    "language": lambda text: "English",
    "name|person|customer|author|company|product|owner|speaker|assignee|city|country|place": _first_name,
    "query|prompt|input|content": lambda text: " ".join(text.split()),
}
"""What a field's name or description may speak of -> how to find that in a text."""
