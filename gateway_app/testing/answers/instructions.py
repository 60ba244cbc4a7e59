"""What a prompt asks for, and the text that it asks it of."""

import re
from dataclasses import dataclass

_COUNTING = "one two three four five six seven eight nine ten eleven twelve"
NUMBERS = {word: number for number, word in enumerate(_COUNTING.split(), start=1)} | {"a": 1, "single": 1}

_TASKS = {
    "summary": r"\bsummar|\btl;?dr\b|\bsum (?:it |this )?up\b|\bcondense|\bkey points\b|\bshorten\b",
    "translation": r"\btranslat",
    "sql": r"\bsql\b|\bthis query\b",
    "classification": r"\bclassif|\bcategori[sz]e|\blabel (?:the|this)\b|\bsentiment\b",
    "commit": r"\bcommit message",
    "echo": r"^(?:please )?(?:say|repeat|echo|(?:reply|respond|answer) with)\b",
}
_OPENING = re.compile(r'"""|```\w*\n|<(\w+)>')
_SURROUNDINGS = 1500
"""Characters before and after material in marks. Marks further in are a part of the material."""
_LEAD = re.compile(r"^(?P<lead>[^\n]{1,300}?):\s+(?P<rest>\S.*)$", re.DOTALL)
_INSTRUCTION_LENGTH = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Instruction:
    task: str | None
    """One of `summary`, `translation`, `sql`, `classification`, `commit`, `echo`; None is a question."""
    wording: str
    """All that instructs: the system instruction and what stands around the material."""
    material: str

    @property
    def bullets(self) -> bool:
        return bool(re.search(r"\bbullet|\bkey points\b|\bdash(?:es|ed)\b", self.wording, re.IGNORECASE))

    def asked(self, unit: str) -> int | None:
        """The number in "in two short sentences", "at most 3 bullet points", for a `unit` like `sentence`."""
        number = rf"\b(\d{{1,4}}|{'|'.join(NUMBERS)})[ -](?:[\w-]+ ){{0,2}}?(?:{unit})"
        found = re.search(number, self.wording, re.IGNORECASE)
        return (NUMBERS.get(found[1].lower()) or int(found[1])) if found else None


def read(system: str, text: str) -> Instruction:
    """Parts the user's `text` into wording and material; without wording of its own the system's holds."""
    wording, material = _parted(text)
    both = f"{system}\n{wording}".strip()
    return Instruction(task=task_of(wording) or task_of(system), wording=both, material=material)


def task_of(wording: str) -> str | None:
    """The task that `wording` names first."""
    found = {
        task: match.start()
        for task, pattern in _TASKS.items()
        if (match := re.search(pattern, wording.strip(), re.IGNORECASE))
    }
    return min(found, key=lambda task: found[task]) if found else None


def _parted(text: str) -> tuple[str, str]:
    if marked := _marked(text):
        return marked
    paragraphs = re.split(r"\n\s*\n", text.strip())
    if len(paragraphs) > 1 and _instructs(paragraphs[0]):
        return paragraphs[0], "\n\n".join(paragraphs[1:])
    if len(paragraphs) > 1 and _instructs(paragraphs[-1]):
        return paragraphs[-1], "\n\n".join(paragraphs[:-1])
    lead = _LEAD.match(text.strip())
    if lead and _instructs(lead["lead"]):
        return lead["lead"], lead["rest"]
    return (text, text) if len(text) <= _INSTRUCTION_LENGTH else ("", text)


def _marked(text: str) -> tuple[str, str] | None:
    opening = _OPENING.search(text, 0, _SURROUNDINGS)
    if opening is None:
        return None
    closing = f"</{opening[1]}>" if opening[1] else opening[0][:3]
    material, found, after = text[opening.end() :].rpartition(closing)
    if not found or len(after) > _SURROUNDINGS:
        return None
    return f"{text[: opening.start()]}\n{after}".strip(), material.strip()


def _instructs(paragraph: str) -> bool:
    short = len(paragraph) <= _INSTRUCTION_LENGTH
    return short and (task_of(paragraph) is not None or paragraph.rstrip().endswith((":", "?")))
