"""A prompt version as a YAML file: read strictly, with the line of a mistake; written in one stable form."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import yaml

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
    values: int = field(default=0, compare=False)
    """Texts, numbers, lists and mappings that were read, the keys too: what the reading cost."""


_Base: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""libyaml where it is there: it takes a fraction of the time."""


class _Loader(_Base):
    """Plain values are those of JSON: no dates, no `yes`, no octal numbers."""

    yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}


class _Dumper(yaml.SafeDumper):
    def ignore_aliases(self, data: Any) -> bool:
        return True


for _kind, _pattern, _first in (
    ("null", r"^(?:null|~|)$", ["n", "~", ""]),
    ("bool", r"^(?:true|false)$", ["t", "f"]),
    ("int", r"^-?(?:0|[1-9][0-9]{0,999})$", list("-0123456789")),
    ("float", r"^-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][-+]?[0-9]{1,3})?$", list("-0123456789")),
):
    _Loader.add_implicit_resolver(f"tag:yaml.org,2002:{_kind}", re.compile(_pattern), _first)
    # So that a text which looks like a value is written in quotes.
    _Dumper.add_implicit_resolver(f"tag:yaml.org,2002:{_kind}", re.compile(_pattern), _first)


def _represent_text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    # YAML folds these into spaces or line feeds everywhere but in double quotes.
    style = '"' if re.search("[\r\x85\u2028\u2029\ufeff]", text) else "|" if "\n" in text else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _represent_text)


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
        count = _check_events(text, source)
        node, values = _compose(text)
    except (yaml.YAMLError, RecursionError) as exc:
        raise FileInvalid(f"{source}:{_line_of(exc, text)}: {_first_line(exc)}") from exc
    if not isinstance(node, yaml.MappingNode):
        raise FileInvalid(f"{source}:1: a prompt file is a mapping with name, version and user")
    return replace(_prompt_file(values, source=source, lines=_lines(node, source)), values=count)


def dump(file: PromptFile) -> bytes:
    """The one form that `export_prompts` writes: keys in a fixed order, empty ones left out."""
    values = {"name": file.name, "version": file.version, "description": file.description}
    values |= {key: value for key, value in file.content.as_json().items() if value or key == "user"}
    ordered = {key: values[key] for key in KEYS if values.get(key)}
    return yaml.dump(
        ordered, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=100_000, encoding="utf-8"
    )


def _check_events(text: str, source: str) -> int:
    """Before the tree is built. The number of values."""
    depth = count = 0
    for event in yaml.parse(text, Loader=_Loader):
        line = event.start_mark.line + 1 if event.start_mark else 1
        if getattr(event, "anchor", None):
            raise FileInvalid(f"{source}:{line}: anchors and aliases are not allowed")
        if tag := getattr(event, "tag", None):
            raise FileInvalid(f"{source}:{line}: tags such as {tag} are not allowed")
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > MAX_DEPTH:
            raise FileInvalid(f"{source}:{line}: nested deeper than {MAX_DEPTH}")
        count += isinstance(event, yaml.NodeEvent)
    return count


def _compose(text: str) -> tuple[yaml.Node | None, Any]:
    """The one document, as a tree with lines and as plain values."""
    loader = _Loader(text)
    try:
        node = loader.get_single_node()
        return node, node and loader.construct_document(node)
    finally:
        loader.dispose()


def _line_of(error: Exception, text: str) -> int:
    if isinstance(error, yaml.MarkedYAMLError) and error.problem_mark:
        # Of what breaks off, libyaml may name the line after the last.
        return min(error.problem_mark.line, text.count("\n")) + 1
    return text.count("\n", 0, getattr(error, "position", 0)) + 1


def _first_line(error: Exception) -> str:
    return getattr(error, "problem", None) or str(error).partition("\n")[0]


def _lines(node: yaml.MappingNode, source: str) -> Mapping[str, int]:
    """Key -> line of the outermost mapping; refuses keys that are no text or come twice, at any depth."""
    lines: dict[str, int] = {}
    for key, value in node.value:
        line = key.start_mark.line + 1
        if key.tag != "tag:yaml.org,2002:str":
            raise FileInvalid(f"{source}:{line}: a key must be text")
        if key.value in lines:
            raise FileInvalid(f"{source}:{line}: {key.value} comes twice")
        lines[key.value] = line
        for inner in _mappings(value):
            _lines(inner, source)
    return lines


def _mappings(node: yaml.Node) -> list[yaml.MappingNode]:
    if isinstance(node, yaml.MappingNode):
        return [node]
    if isinstance(node, yaml.SequenceNode):
        return [mapping for item in node.value for mapping in _mappings(item)]
    return []


def _prompt_file(values: Mapping[str, Any], *, source: str, lines: Mapping[str, int]) -> PromptFile:
    for key, says in _mistakes(values):
        raise FileInvalid(f"{source}:{lines.get(key, 1)}: {says}")
    return PromptFile(
        name=values["name"],
        version=values["version"],
        description=values.get("description", ""),
        content=from_json({key: values[key] for key in FIELDS if key in values}),
        source=source,
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
