"""Answers in running text: summaries, translations, explanations, replies to a question."""

import itertools
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from gateway_app.testing.answers import labels, sql
from gateway_app.testing.answers.instructions import Instruction
from gateway_app.testing.answers.sentences import best_sentences, closest, keywords, sentences

DEFAULT_SENTENCES = 3
MAX_WORDS = 5000
_LENGTH = re.compile(r"\b(short|medium|long) summary\b", re.IGNORECASE)
_POINTS = {"short": 3, "medium": 5, "long": 8}
_OPENINGS = ("You ask", "Your question is", "This is")
_LEADS = ("", "In short: ", "In summary: ")
_TRANSLATIONS = {
    "french": "Traduction : « {} »",
    "german": "Übersetzung: „{}“",
    "spanish": "Traducción: «{}»",
    "italian": "Traduzione: «{}»",
    "portuguese": "Tradução: «{}»",
    "dutch": "Vertaling: „{}”",
}
_LABELS = re.compile(
    r"(?:\bas|\binto|\bone of|\beither|\bis|:)\s*:?\s*((?:[\w-]+\s*,\s*)*[\w-]+,?\s+(?:or|and)\s+[\w-]+)",
    re.IGNORECASE,
)
_ECHO = re.compile(
    r"""^\s*(?:please )?(?:say|repeat|echo|(?:reply|respond|answer) with)\b"""
    r"""(?: exactly| only| just| the words?| this)*\s*:?\s*(.+?)\s*$""",
    re.IGNORECASE | re.DOTALL,
)
_ABOUT = re.compile(
    r"^(?:(?:what|who|where|when|which|why|how)(?:'s| is| are| was| were| do| does| did| can| about)?"
    r"|tell me about|explain|describe|define|write|give me|can you)\s+",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Prompt:
    """What a running text answers."""

    instruction: Instruction
    earlier: tuple[tuple[str, str], ...] = ()
    """Role and text of the turns before."""
    variant: int = 0
    """Picks between wordings that are equally good."""


def reply(prompt: Prompt) -> str:
    writer = _WRITERS.get(prompt.instruction.task or "", _answer)
    return writer(prompt) or _answer(prompt)


def _summary(prompt: Prompt) -> str:
    instruction = prompt.instruction
    length = _LENGTH.search(instruction.wording)
    asked = instruction.asked("bullet|point|item" if instruction.bullets else "sentence|line")
    wanted = _POINTS[length[1].lower()] if length else asked or DEFAULT_SENTENCES
    chosen = best_sentences(instruction.material, wanted, variant=prompt.variant)
    if not instruction.bullets:
        return _LEADS[prompt.variant % len(_LEADS)] + " ".join(chosen)
    main = best_sentences(instruction.material, 1) if "main point" in instruction.wording else []
    points = [f"- {sentence}" for sentence in chosen if sentence not in main]
    return "\n\n".join(filter(None, [*main, "\n".join(points)]))


def _translation(prompt: Prompt) -> str:
    wording = prompt.instruction.wording
    into = re.search(r"\b(?:in)?to\s+([A-Z]\w+(?: [A-Z]\w+)?)", wording)
    language = into[1] if into else "English"
    frame = _TRANSLATIONS.get(language.split()[-1].lower(), f"{language} translation: “{{}}”")
    return frame.format(prompt.instruction.material.strip())


def _sql(prompt: Prompt) -> str:
    return sql.explained(prompt.instruction.material) or ""


def _classification(prompt: Prompt) -> str:
    listed = _LABELS.search(prompt.instruction.wording)
    words = re.findall(r"[\w-]+", listed[1]) if listed else ["positive", "negative", "neutral"]
    options = [word for word in words if word not in ("or", "and")]
    return labels.choose(options, prompt.instruction.material)


def _commit(prompt: Prompt) -> str:
    """Names the first file that the diff changes, and what the added lines speak of."""
    diff = prompt.instruction.material
    changed = re.search(r"^\+\+\+ (?:b/)?(\S+)", diff, re.MULTILINE)
    added = keywords("\n".join(re.findall(r"^\+(?!\+\+)(.*)$", diff, re.MULTILINE)), 3)
    if not changed:
        return ""
    what = f"add {', '.join(added)}" if added else "remove what is no longer needed"
    return f"{changed[1]}: {what}"[:72]


def _echo(prompt: Prompt) -> str:
    said = _ECHO.match(prompt.instruction.material)
    return said[1].strip("\"“”'") if said else prompt.instruction.material


def _answer(prompt: Prompt) -> str:
    instruction = prompt.instruction
    if wanted := instruction.asked("word"):
        return _essay(instruction.material, min(wanted, MAX_WORDS))
    if instruction.wording.strip().endswith(instruction.material.strip()):
        return _recalled(prompt) or _admitted(instruction.material, prompt.variant)
    return _read(instruction)


def _recalled(prompt: Prompt) -> str | None:
    """The sentence of an earlier turn that bears on what is asked now."""
    said = [
        (role, sentence)
        for role, text in prompt.earlier
        for sentence in sentences(text)
        if sentence[-1:] != "?"
    ]
    found = closest(prompt.instruction.material, [sentence for _, sentence in said])
    if found is None:
        return None
    role = next(role for role, sentence in said if sentence == found)
    return f"I said before: “{found}”" if role == "model" else f"You told me: “{found}”"


def _read(instruction: Instruction) -> str:
    """What the given text has on the question."""
    found = closest(instruction.wording, sentences(instruction.material))
    chosen = found or " ".join(best_sentences(instruction.material, 1))
    topics = ", ".join(keywords(instruction.material, 3))
    return f"{chosen}\n\nThat is what the text says; it speaks mostly of {topics}." if topics else chosen


def _admitted(question: str, variant: int) -> str:
    """An honest answer to what cannot be known here."""
    asked = " ".join(question.split())
    about = _ABOUT.sub("", asked).rstrip("?!.\u3002 ") or "nothing in particular"
    opening = f"{_OPENINGS[variant % len(_OPENINGS)]} about {about}."
    topics = keywords(asked, 3)
    detail = f" I would look at {' and '.join(topics)} first." if topics else ""
    return (
        f"{opening}{detail} I am the simulator that stands in for Gemini, so I know nothing beyond this "
        f"conversation: give me a text about {topics[0] if topics else 'it'} and I will summarise it, "
        "classify it or answer from it."
    )


def _essay(request: str, length: int) -> str:
    """A text of `length` words on the topics of `request`."""
    topics = keywords(request.partition(" about ")[2] or request, 6) or ["this"]
    pairs = list(itertools.permutations(topics, 2)) or [(topics[0], "the rest")]
    text = [f"A word on {', '.join(topics)}."]
    while sum(len(sentence.split()) for sentence in text) < length:
        first, second = pairs[len(text) % len(pairs)]
        text.append(_TURNS[len(text) % len(_TURNS)].format(first, second))
    return " ".join(" ".join(text).split()[:length]).rstrip(",;") + "."


_TURNS = (
    "Whoever speaks of {0} will sooner or later come to {1}.",
    "There is more to {0} than meets the eye, and {1} is a part of it.",
    "Consider {0} beside {1}: each explains the other a little.",
    "It would be too simple to reduce {0} to {1}.",
    "So {0} leads back to {1}, which is where we began.",
)
_WRITERS: Mapping[str, Callable[[Prompt], str]] = {
    "summary": _summary,
    "translation": _translation,
    "sql": _sql,
    "classification": _classification,
    "commit": _commit,
    "echo": _echo,
}
