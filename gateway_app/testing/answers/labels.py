"""Which of several labels fits a text."""

import hashlib

from gateway_app.testing.answers.sentences import stem, words

_SIGNS = {
    "billing payment invoice refund": "charge invoice refund pay payment card price subscription money twice",
    "technical bug error incident": "error crash break broken bug fail exception slow freeze install update",
    "account access login": "login log password sign account email profile lock locked reset username",
    "shipping delivery order": "package parcel deliver delivery order track arrive ship courier",
    "feature request suggestion": "wish add could suggest idea feature improve support dark",
    "urgent critical": "immediate asap now down outage production nobody emergency",
    "high": "soon important blocked cannot twice broken wrong refund",
    "low minor": "whenever minor curious someday hurry wondering",
    "positive happy": "love great thank excellent happy good wonderful perfect amazing best enjoy",
    "negative angry unhappy": "hate bad terrible awful angry disappoint worst useless wrong refund",
    "spam": "lottery winner prize click viagra crypto free",
    "how_to": "find change setting interface possible",
    "question": "how what when where which",
}
_HINTS = {
    stem(label): {stem(sign) for sign in signs.split()}
    for labels, signs in _SIGNS.items()
    for label in labels.split()
}
_FALLBACKS = frozenset(("other", "general", "neutral", "medium", "normal", "unknown", "none", "mixed"))


def choose(options: list[str], text: str) -> str:
    """The option with most signs in `text`; without any a neutral one, else the same one each time."""
    present = words(text)
    scores = [_score(option, present) for option in options]
    if max(scores, default=0):
        return options[scores.index(max(scores))]
    neutral = [option for option in options if option.casefold() in _FALLBACKS]
    return (
        neutral[0]
        if neutral
        else options[hashlib.sha256(text.encode(errors="replace")).digest()[0] % len(options)]
    )


def signs(words_: list[str]) -> set[str]:
    """The words, and those that speak of the same."""
    return set(words_).union(*(_HINTS.get(word, set()) for word in words_))


def _score(option: str, present: list[str]) -> int:
    own = words(option.replace("_", " ")) or [option]
    hints = signs(own)
    return sum(2 * (word in own) + (word in hints) for word in present)
