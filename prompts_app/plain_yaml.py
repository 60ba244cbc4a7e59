"""YAML that says no more than JSON can: no tags, anchors, dates or `yes`; a key is a text, and comes once."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import yaml

BREAKS = re.compile("[\r\x85\u2028\u2029\ufeff]")
"""YAML folds these into spaces or line feeds everywhere but in double quotes."""
TEXT = "tag:yaml.org,2002:str"
_Base: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""libyaml where it is there: it takes a fraction of the time."""


class NotPlain(ValueError):
    """Says the line and what is wrong there."""

    def __init__(self, line: int, problem: str) -> None:
        super().__init__(f"line {line}: {problem}")
        self.line, self.problem = line, problem


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    value: Any
    lines: Mapping[str, int]
    """Key -> line of the outermost mapping; empty where the document is none."""
    size: int
    """Texts, numbers, lists and mappings, the keys too: each takes about 10 µs to read."""


class _Loader(_Base):
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
    for _resolver in (_Loader, _Dumper):  # the dumper too: it then quotes texts that look like values
        _resolver.add_implicit_resolver(f"tag:yaml.org,2002:{_kind}", re.compile(_pattern), _first)


def _represent_text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    style = '"' if BREAKS.search(text) else "|" if "\n" in text else None
    return dumper.represent_scalar(TEXT, text, style=style)


_Dumper.add_representer(str, _represent_text)


def load(text: str, *, deepest: int, largest: int) -> Document:
    """The one document, nested at most `deepest` levels and of a size up to `largest`. Raises `NotPlain`."""
    try:
        size = _check_events(text, deepest=deepest, largest=largest)
        loader = _Loader(text)
        try:
            node = loader.get_single_node()
            lines = _check_keys(node)
            return Document(value=node and loader.construct_document(node), lines=lines, size=size)
        finally:
            loader.dispose()
    except (yaml.YAMLError, RecursionError) as exc:
        problem = getattr(exc, "problem", None) or str(exc).partition("\n")[0]
        raise NotPlain(_line_of(exc, text), problem) from exc


def dump(value: Any, *, width: int) -> str:
    """Keys in the order given, texts of several lines as blocks; `load` reads it back equal."""
    dumped: str = yaml.dump(value, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=width)
    return dumped


def _check_events(text: str, *, deepest: int, largest: int) -> int:
    """Before the tree is built, in which an alias can stand for any size and libyaml bounds no depth."""
    depth = size = 0
    for event in yaml.parse(text, Loader=_Loader):
        line = event.start_mark.line + 1 if event.start_mark else 1
        if getattr(event, "anchor", None):
            raise NotPlain(line, "anchors and aliases are not allowed")
        if tag := getattr(event, "tag", None):
            raise NotPlain(line, f"tags such as {tag} are not allowed")
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > deepest:
            raise NotPlain(line, f"nested deeper than {deepest}")
        size += isinstance(event, yaml.NodeEvent)
        if size > largest:
            raise NotPlain(line, f"more than {largest} values, which is too many for YAML")
    return size


def _check_keys(node: yaml.Node | None) -> dict[str, int]:
    lines: dict[str, int] = {}
    for key, value in node.value if isinstance(node, yaml.MappingNode) else ():
        line = key.start_mark.line + 1
        if key.tag != TEXT:
            raise NotPlain(line, "a key must be text")
        if key.value in lines:
            raise NotPlain(line, f"{key.value} comes twice")
        lines[key.value] = line
        for inner in _mappings(value):
            _check_keys(inner)
    return lines


def _mappings(node: yaml.Node | None) -> Iterator[yaml.MappingNode]:
    """The outermost ones."""
    if isinstance(node, yaml.MappingNode):
        yield node
    elif isinstance(node, yaml.SequenceNode):
        for item in node.value:
            yield from _mappings(item)


def _line_of(error: Exception, text: str) -> int:
    if isinstance(error, yaml.MarkedYAMLError) and error.problem_mark:
        # Of what breaks off, libyaml may name the line after the last.
        return min(error.problem_mark.line, text.count("\n")) + 1
    return text.count("\n", 0, getattr(error, "position", 0)) + 1
