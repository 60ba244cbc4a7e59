"""Which version a unit gets under a traffic split: a hundred buckets, each owned by one version.

A split that is a function of its weights alone must move more units than a change asks for as soon as there
are three versions. So the owners of the buckets are remembered, and a new split takes from those that shrink
just what it gives to those that grow.
"""

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence

BUCKETS = 100
Weights = Mapping[str, int]
"""Version label -> whole percents, 100 in all."""


def choose(owners: Sequence[str], *, unit: str, salt: str) -> str:
    """The label that owns the bucket of `unit`: the same in every process, evenly spread over units.

    `owners` has `BUCKETS` labels. Another `salt` shuffles the units anew.
    """
    digest = hashlib.sha256(f"{salt}:{unit}".encode(errors="surrogatepass")).digest()
    return owners[int.from_bytes(digest[:8]) % BUCKETS]


def allocate(weights: Weights, *, former: Sequence[str] = ()) -> tuple[str, ...]:
    """The owners of all buckets under `weights`, with the fewest changes from `former`.

    Raises `ValueError` when the weights are not whole percents that sum up to 100.
    """
    if sum(weights.values()) != BUCKETS or any(percent < 0 for percent in weights.values()):
        raise ValueError(f"weights are whole percents that sum up to 100, not {dict(weights)}")
    wanted = Counter(weights)
    if wanted == Counter(former):
        return tuple(former)
    held = former if len(former) == BUCKETS else [""] * BUCKETS
    kept = [label if _take(wanted, label) else "" for label in held]
    growing = iter(sorted(wanted.elements()))
    return tuple(label or next(growing) for label in kept)


def _take(wanted: Counter[str], label: str) -> bool:
    if wanted[label] <= 0:
        return False
    wanted[label] -= 1
    return True
