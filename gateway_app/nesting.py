"""How deep a client's JSON may be nested."""

DEEPEST = 64
"""Levels of objects and lists; OpenAI's own limit for a schema is ten. Whoever reads them later, and we
ourselves, give up at some depth."""
BRACKETS = b"[]{}"
ALIKE = bytes.maketrans(b"{}", b"[]")
BESIDES = bytes(set(range(256)) - set(BRACKETS))


def too_deep(data: bytes | str) -> bool:
    """Of JSON; of anything else, no less than a reader would find. Only brackets are looked at, for to read
    ten megabytes once more and go through them takes seconds."""
    text = data.encode() if isinstance(data, str) else data
    if text.count(b"{") + text.count(b"[") <= DEEPEST:
        return False
    brackets = _outside_texts(text).translate(ALIKE, BESIDES)
    for _ in range(DEEPEST):
        brackets = brackets.replace(b"[]", b"")  # the innermost of each
    return bool(brackets)


def _outside_texts(text: bytes) -> bytes:
    unescaped = text.replace(rb"\\", b"").replace(rb"\"", b"")
    return b"".join(unescaped.split(b'"')[::2])
