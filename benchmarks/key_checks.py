"""`python -m benchmarks.key_checks`: does the time to refuse a key tell how much of it is right?

Kinds of wrong keys take turns in random order, many times; of each kind the quantiles of CPU time are shown,
and for each pair the chance that one kind takes longer than the other: 50 % is what cannot be told apart
(Mann and Whitney's U, over the number of pairs).
"""

import random
import statistics
import time
from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence
from contextlib import suppress

from gateway_app.authentication import ANONYMOUS, KnownKey, authenticate
from gateway_app.exceptions import Unauthenticated
from gateway_app.keys import KeyText, hash_secret, new_key

ROUNDS = 20_000
EACH = 10
"""Checks that are timed together: one alone is shorter than the clock is sharp."""
KEYS = 1_000


def kinds(right: KeyText) -> Mapping[str, str]:
    """What is wrong -> a key that is."""
    other = new_key()
    return {
        "another id": f"gw_{other.id}_{right.secret}",
        "another secret": f"gw_{right.id}_{other.secret}",
        "wrong at its first character": f"gw_{right.id}_{_changed(right.secret, 0)}",
        "wrong at its last character": f"gw_{right.id}_{_changed(right.secret, len(right.secret) - 1)}",
    }


def _changed(secret: str, place: int) -> str:
    return f"{secret[:place]}{'A' if secret[place] != 'A' else 'B'}{secret[place + 1 :]}"


def measure(rounds: int = ROUNDS, *, chance: random.Random) -> Mapping[str, Sequence[int]]:
    """Kind -> nanoseconds of each round, for one check."""
    known = [new_key() for _ in range(KEYS)]
    keys = {
        key.id: KnownKey(caller=ANONYMOUS, secret_hash=hash_secret(key.secret), expires_at=None)
        for key in known
    }
    wrong = kinds(known[0])
    times: dict[str, list[int]] = {kind: [] for kind in wrong}
    for _ in range(rounds):
        for kind in chance.sample(sorted(wrong), len(wrong)):
            times[kind].append(_refuse(f"Bearer {wrong[kind]}", keys))
    return times


def _refuse(header: str, keys: Mapping[str, KnownKey]) -> int:
    began = time.perf_counter_ns()
    for _ in range(EACH):
        with suppress(Unauthenticated):
            authenticate(header, keys, allow_anonymous=False)
    return (time.perf_counter_ns() - began) // EACH


def longer(one: Sequence[int], other: Sequence[int]) -> float:
    """The chance that a time of `one` is longer than a time of `other`; an equal one counts half."""
    ordered = sorted(other)
    wins = sum(bisect_left(ordered, value) + bisect_right(ordered, value) for value in one)
    return wins / (2 * len(one) * len(other))


def main() -> None:
    times = measure(chance=random.Random(8))  # noqa: S311 - an order, no secret
    for kind, found in times.items():
        low, middle, high = statistics.quantiles(found, n=4)
        print(f"{kind:<30} {low:7.0f} {middle:7.0f} {high:7.0f} ns (quartiles)")
    names = list(times)
    for number, one in enumerate(names):
        for other in names[number + 1 :]:
            print(f"{one} takes longer than {other}: {longer(times[one], times[other]):.1%}")


if __name__ == "__main__":
    main()
