"""Datasets as YAML, JSON Lines and CSV: what is written out reads back equal."""

import csv
import io
import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import msgspec

from evals_app.datasets import CaseContent, DatasetContent, read
from evals_app.evaluators.json_output import NotJson, parse
from evals_app.exceptions import DatasetInvalid
from prompts_app import plain_yaml

MAX_BYTES = 64 * 1024 * 1024
MAX_YAML_BYTES = 8 * 1024 * 1024
MAX_YAML_VALUES = 500_000
"""YAML is slow to read: many cases come as JSON Lines or CSV."""
JSON_MARK = ":json"
"""Ends the name of a CSV column whose cells are JSON; the others are texts."""
VARIABLE = "variables."
FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""A spreadsheet takes a cell that begins like this for a formula."""
MAX_DEPTH = 100


def from_yaml(text: str) -> DatasetContent:
    """Raises `DatasetInvalid`."""
    _bound(text, MAX_YAML_BYTES)
    try:
        document = plain_yaml.load(text, deepest=MAX_DEPTH, largest=MAX_YAML_VALUES)
    except plain_yaml.NotPlain as exc:
        raise DatasetInvalid(f"not YAML: {exc}") from exc
    return read(document.value)


def to_yaml(content: DatasetContent) -> str:
    return plain_yaml.dump(msgspec.to_builtins(content), width=110)


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
