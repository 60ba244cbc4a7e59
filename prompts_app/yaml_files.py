"""A prompt version as a YAML file: read strictly, with the line of a mistake; written in one stable form."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from prompts_app import plain_yaml
from prompts_app.content import (
    FIELDS,
    LABEL,
    MAX_BYTES,
    NAME,
    VersionContent,
    check_storable,
    from_json,
    problems,
)
from prompts_app.exceptions import ChangeRefused

KEYS = ("name", "version", "description", *FIELDS)
MAX_FILE_BYTES = 2 * MAX_BYTES
MAX_DEPTH = 32


class FileInvalid(ValueError):
    """Says the file, the line and what is wrong there."""


@dataclass(frozen=True, kw_only=True)
class PromptFile:
    name: str
    version: str
    description: str
    """Of the prompt, the same in the files of all its versions."""
    content: VersionContent
    source: str
    """The file's path, for messages."""
    size: int = field(default=0, compare=False)
    """Values that were read."""


def parse(data: bytes, *, source: str) -> PromptFile:
    """Raises `FileInvalid`."""
    if len(data) > MAX_FILE_BYTES:
        raise FileInvalid(f"{source}: larger than {MAX_FILE_BYTES // 1024} kB")
    try:
        text = data.decode()
    except UnicodeDecodeError as exc:
        line = data.count(b"\n", 0, exc.start) + 1
        raise FileInvalid(f"{source}:{line}: not UTF-8") from exc
    try:
        document = plain_yaml.load(text, deepest=MAX_DEPTH, largest=MAX_FILE_BYTES)
    except plain_yaml.NotPlain as exc:
        raise FileInvalid(f"{source}:{exc.line}: {exc.problem}") from exc
    if not isinstance(document.value, dict):
        raise FileInvalid(f"{source}:1: a prompt file is a mapping with name, version and user")
    return _prompt_file(document, source)


def dump(file: PromptFile) -> bytes:
    """The one form that `export_prompts` writes: keys in a fixed order, empty ones left out."""
    values = {"name": file.name, "version": file.version, "description": file.description}
    values |= {key: value for key, value in file.content.as_json().items() if value or key == "user"}
    ordered = {key: values[key] for key in KEYS if values.get(key)}
    return plain_yaml.dump(ordered, width=100_000).encode()


def _prompt_file(document: plain_yaml.Document, source: str) -> PromptFile:
    values = document.value
    for key, says in _mistakes(values):
        raise FileInvalid(f"{source}:{document.lines.get(key, 1)}: {says}")
    return PromptFile(
        name=values["name"],
        version=values["version"],
        description=values.get("description", ""),
        content=from_json({key: values[key] for key in FIELDS if key in values}),
        source=source,
        size=document.size,
    )


def _mistakes(values: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Key and explanation. Each kind of mistake is looked for only where those before it are absent."""
    for key in values.keys() - set(KEYS):
        yield key, f"unknown key {key}; known are {', '.join(KEYS)}"
    for key, pattern in (("name", NAME), ("version", LABEL), ("description", "")):
        value = values.get(key, "")
        if not isinstance(value, str):
            yield key, f"{key} must be text; put quotes around it"
        elif not re.match(pattern.replace("$", r"\Z"), value):
            yield key, f"{key} must fit {pattern}"
    for key in values.keys() & set(FIELDS):
        try:
            check_storable(from_json({key: values[key]}))
        except ChangeRefused as exc:
            yield key, str(exc)
    for problem in problems(from_json(values)):
        yield problem.partition(":")[0], problem
