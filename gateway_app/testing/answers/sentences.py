"""Plain text taken apart: its words, its names, its sentences, and which of them matter."""

import re
from collections import Counter

_COMMON = """
a about above after again all also am an and any are as at be because been before being below between both
but by can could did do does doing down during each either few for from further get give had has have having
he her here hers him his how i if in into is it its itself just let like make may me might more most must my
no nor not now of off on once only or other our out over own please same she should so some such tell than
that the their them then there these they this those through to too under until up upon us very was we were
what when where whether which while who whom whose why will with would you your
"""
_STOPWORDS = frozenset(_COMMON.split())
_WORD = re.compile(r"[^\W_]+(?:['\u2019][^\W_]+)*")
_BREAK = re.compile(
    r"""(?:(?<=[.!?…])|(?<=[.!?]["”\u2019')\]]))\s+(?=["“\u2018'(\[]?[A-ZÀ-ÝΑ-ΩА-Я0-9])|(?<=[\u3002\uff01\uff1f])"""
)
_END = re.compile(r"""[.!?…\u3002\uff01\uff1f]["”\u2019')\]]*$""")
_ABBREVIATION = re.compile(r"(?:\b(?:Mr|Mrs|Ms|Dr|Prof|St|No|Fig|Sec|vs|cf|e\.g|i\.e)|\b[A-Z])\.$")
_NAME = re.compile(r"\b[A-ZÀ-Ý][\w\u2019'-]*(?:\s+[A-ZÀ-Ý][\w\u2019'-]*)*")
_SUFFIX = re.compile(r"(?:ing|ed|es|s|ely|ly|e)$")


def stem(word: str) -> str:
    """A rough stem: `charged`, `charges` and `charging` are one word."""
    word = word.casefold().replace("\u2019", "'").removesuffix("'s")
    return _SUFFIX.sub("", word) if len(word) > 4 else word.removesuffix("s") if len(word) > 3 else word


def words(text: str) -> list[str]:
    """The stems of the words that carry meaning, in order."""
    found = (word.casefold() for word in _WORD.findall(text))
    return [stem(word) for word in found if word not in _STOPWORDS]


def keywords(text: str, count: int) -> list[str]:
    """The words used most, as they are first written; earlier ones win a tie."""
    spelled: dict[str, str] = {}
    uses: Counter[str] = Counter()
    for word in _WORD.findall(text):
        if word.casefold() not in _STOPWORDS and len(word) > 2 and not word.isdigit():
            uses[stem(word)] += 1
            spelled.setdefault(stem(word), word)
    return [spelled[stemmed] for stemmed, _ in uses.most_common(count)]


def names(text: str) -> list[str]:
    """Runs of capitalised words: those within sentences first, then those that begin one."""
    inside: list[str] = []
    leading: list[str] = []
    for found in _NAME.finditer(text):
        name = found[0].removesuffix("'s").removesuffix("\u2019s")
        if name.casefold() in _STOPWORDS:
            continue
        before = text[max(0, found.start() - 4) : found.start()].rstrip()
        begins = not before or before[-1] in ".!?:"
        (leading if begins and " " not in name else inside).append(name)
    return list(dict.fromkeys(inside + leading))


def sentences(text: str) -> list[str]:
    """The sentences, each on one line; without headings and other scraps where there are real ones."""
    found: list[str] = []
    for paragraph in re.split(r"\n\s*\n", text):
        open_end = False
        for piece in _BREAK.split(" ".join(paragraph.split())):
            if open_end and found:
                found[-1] += f" {piece}"
            elif piece:
                found.append(piece)
            open_end = bool(found) and bool(_ABBREVIATION.search(found[-1]))
    return [sentence for sentence in found if _END.search(sentence)] or found


def best_sentences(text: str, count: int, *, variant: int = 0) -> list[str]:
    """The `count` sentences whose words the text uses most, in the text's order.

    An odd `variant` takes the runner-up for the weakest of them.
    """
    candidates = list(dict.fromkeys(sentences(text)))
    fit = [sentence for sentence in candidates if 5 <= len(sentence.split()) <= 60] or candidates
    uses = Counter(words(text))
    ranked = sorted(range(len(fit)), key=lambda place: -_weight(fit[place], place, uses))
    chosen = ranked[:count]
    if variant % 2 and 1 < count < len(ranked):
        chosen[-1] = ranked[count]
    return [fit[place] for place in sorted(chosen)]


def _weight(sentence: str, place: int, uses: Counter[str]) -> float:
    stems = set(words(sentence))
    return sum(uses[word] for word in stems) / (len(stems) + 4) * (1 + 0.5 / (1 + place))


def closest(question: str, candidates: list[str]) -> str | None:
    """The candidate that shares most words with `question`; None where none shares one."""
    asked = set(words(question))
    shared = [len(asked & set(words(candidate))) for candidate in candidates]
    best = max(shared, default=0)
    return candidates[shared.index(best)] if best else None
