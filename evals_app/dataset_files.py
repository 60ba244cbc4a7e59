"""Datasets as YAML, JSON Lines and CSV: what is written out reads back equal."""

import csv
import io
import json
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import msgspec
import yaml

from evals_app.datasets import CaseContent, DatasetContent, read
from evals_app.evaluators.json_output import NotJson, parse
from evals_app.exceptions import DatasetInvalid

MAX_BYTES = 64 * 1024 * 1024
MAX_YAML_BYTES = 8 * 1024 * 1024
MAX_YAML_VALUES = 500_000
"""YAML is slow to read, 6 µs for each value: many cases come as JSON Lines or CSV."""
JSON_MARK = ":json"
"""Ends the name of a CSV column whose cells are JSON; the others are texts."""
VARIABLE = "variables."
FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""A spreadsheet takes a cell that begins like this for a formula."""
OTHER_BREAKS = re.compile("[\r\x85\u2028\u2029]")


MAX_DEPTH = 100
_Base: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""libyaml where it is there: it takes a fraction of the time."""


class _Loader(_Base):
    """Plain values are those of JSON: no dates, no `yes`, no octal numbers."""

    yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[Any, Any]:
        mapping: dict[Any, Any] = super().construct_mapping(node, deep=deep)
        if len(mapping) < len(node.value):
            raise yaml.constructor.ConstructorError(None, None, "a key stands twice", node.start_mark)
        return mapping


class _Dumper(yaml.SafeDumper):
    """Texts of several lines as blocks."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    # YAML folds the line breaks that are not ours: only quoted do they come back.
    style = '"' if OTHER_BREAKS.search(text) else "|" if "\n" in text else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _text)
for _kind, _pattern, _first in (
    ("null", r"^(?:null|~|)$", ["n", "~", ""]),
    ("bool", r"^(?:true|false)$", ["t", "f"]),
    ("int", r"^-?(?:0|[1-9][0-9]{0,999})$", list("-0123456789")),
    ("float", r"^-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][-+]?[0-9]{1,3})?$", list("-0123456789")),
):
    for _resolver in (_Loader, _Dumper):  # the dumper too: it then quotes texts that look like values
        _resolver.add_implicit_resolver(f"tag:yaml.org,2002:{_kind}", re.compile(_pattern), _first)


def from_yaml(text: str) -> DatasetContent:
    """Raises `DatasetInvalid`."""
    _bound(text, MAX_YAML_BYTES)
    try:
        _check_events(text)
        value = yaml.load(text, Loader=_Loader)  # noqa: S506 - a SafeLoader
    except (yaml.YAMLError, RecursionError) as exc:
        raise DatasetInvalid(f"not YAML: {' '.join(str(exc).split())}") from exc
    return read(value)


def _check_events(text: str) -> None:
    """Before the tree is built, in which an alias can stand for any size and libyaml bounds no depth."""
    depth = count = 0
    for event in yaml.parse(text, Loader=_Loader):
        mark: Any = event.start_mark
        if isinstance(event, yaml.AliasEvent):
            raise yaml.composer.ComposerError(None, None, "aliases are not taken", mark)
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > MAX_DEPTH:
            raise yaml.composer.ComposerError(None, None, "nested too deeply", mark)
        count += isinstance(event, yaml.NodeEvent)
        if count > MAX_YAML_VALUES:
            raise DatasetInvalid(f"more than {MAX_YAML_VALUES} values in YAML: import JSON Lines or CSV")


def to_yaml(content: DatasetContent) -> str:
    value = msgspec.to_builtins(content)
    return yaml.dump(value, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=110)


def cases_from_jsonl(text: str) -> list[Any]:
    """Plain values, one case a line, for `read`. Raises `DatasetInvalid` with the line."""
    _bound(text)
    return [
        _parsed(line, f"line {number}") for number, line in enumerate(text.split("\n"), 1) if line.strip()
    ]


def cases_to_jsonl(cases: Iterable[CaseContent]) -> str:
    return "".join(msgspec.json.encode(case).decode() + "\n" for case in cases)


def cases_from_csv(text: str) -> list[Any]:
    """Plain values for `read`, from the columns that `cases_to_csv` writes. Raises `DatasetInvalid`."""
    _bound(text)
    csv.field_size_limit(MAX_BYTES)
    try:
        rows = csv.DictReader(io.StringIO(text, newline=""), strict=True)
        return [_case(row, f"row {number}") for number, row in enumerate(rows, 1)]
    except csv.Error as exc:
        raise DatasetInvalid(f"not CSV: {exc}") from exc


def cases_to_csv(cases: Iterable[CaseContent]) -> str:
    """A text goes into the column of its name, any other value as JSON into the one marked so.

    So does a text that a spreadsheet would compute: as JSON it begins with a quotation mark.
    """
    rows = [_row(case) for case in cases]
    columns = list(dict.fromkeys(name for row in rows for name in row))
    output = io.StringIO(newline="")
    writer = csv.DictWriter(output, columns)
    writer.writeheader()
    writer.writerows(rows)
    return output.getvalue()


READERS: Mapping[str, Callable[[str], list[Any]]] = {"jsonl": cases_from_jsonl, "csv": cases_from_csv}
WRITERS: Mapping[str, Callable[[Iterable[CaseContent]], str]] = {"jsonl": cases_to_jsonl, "csv": cases_to_csv}


def _row(case: CaseContent) -> dict[str, str]:
    row = {"key": case.key}
    given = msgspec.to_builtins(case)
    variables = given.pop("variables", {})
    given |= {VARIABLE + name: value for name, value in variables.items()}
    for name, value in given.items():
        if isinstance(value, str) and value and not value.startswith(FORMULA):
            row[name] = value
        else:
            row[name + JSON_MARK] = json.dumps(value, ensure_ascii=False)
    return row


def _case(row: Mapping[str | None, Any], where: str) -> dict[str, Any]:
    """An empty cell stands for nothing."""
    if None in row or None in row.values():
        raise DatasetInvalid(f"{where} has not as many cells as the first row")
    case: dict[str, Any] = {"variables": {}}
    for column, cell in row.items():
        assert column is not None
        if cell == "":
            continue
        value = _parsed(cell, f"{where}, {column}") if column.endswith(JSON_MARK) else cell
        name = column.removesuffix(JSON_MARK)
        if name.startswith(VARIABLE):
            case["variables"][name.removeprefix(VARIABLE)] = value
        else:
            case[name] = value
    return case


def _parsed(text: str, where: str) -> Any:
    try:
        return parse(text)
    except NotJson as exc:
        raise DatasetInvalid(f"{where} is {exc}") from exc


def _bound(text: str, most: int = MAX_BYTES) -> None:
    if len(text) > most:
        raise DatasetInvalid(f"more than {most // 1024**2} MB")
