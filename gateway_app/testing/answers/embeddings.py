"""A vector for a text: its words hashed into dimensions, so that texts with common words are near."""

import hashlib
from collections import Counter
from math import log, sqrt

from gateway_app.testing.answers.sentences import words

DIMENSIONS = 768


def embed(text: str, dimensions: int = DIMENSIONS) -> list[float]:
    """A unit vector of `dimensions` numbers."""
    vector = [0.0] * dimensions
    for word, uses in Counter(words(text) or [text]).items():
        digest = hashlib.blake2b(word.encode(errors="replace"), digest_size=8).digest()
        place = int.from_bytes(digest[:7], "big") % dimensions
        vector[place] += (1 if digest[7] % 2 else -1) * (1 + log(uses))
    length = sqrt(sum(number * number for number in vector))
    if not length:
        vector[0] = length = 1.0
    return [number / length for number in vector]
