"""What a version says, for reading: its texts with their placeholders marked, and everything besides."""

import json
import re
from collections.abc import Iterable, Sequence
from typing import Any

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from prompts_app.models import PromptVersion
from prompts_app.rendering import PLACEHOLDER


def template_text(text: str) -> SafeString:
    """A template to read: its placeholders marked."""
    pieces = re.split(f"({PLACEHOLDER.pattern.replace('(', '(?:')})", text)
    marked = format_html_join(
        "",
        "{}",
        (
            (format_html("<mark>{}</mark>", piece) if number % 2 else piece,)
            for number, piece in enumerate(pieces)
        ),
    )
    return format_html('<pre class="prompt-text">{}</pre>', marked)


def version_facts(version: PromptVersion) -> list[tuple[str, SafeString]]:
    """What a version says besides its texts, what is empty left out."""
    parameters = {name: json.dumps(value, ensure_ascii=False) for name, value in version.parameters.items()}
    shown = {
        "Notes": version.notes and format_html("<p>{}</p>", version.notes),
        "Model": version.model and format_html("<p>{}</p>", version.model),
        "Parameters": parameters and _table(parameters.items()),
        "Variables": version.variables and _variables(version.variables),
        "Response schema": version.response_schema and _fact(version.response_schema),
    }
    return [(name, value) for name, value in shown.items() if value]


def _variables(schema: dict[str, Any]) -> SafeString:
    """A row for each variable, and the schema itself for who wants to read it."""
    known = schema.get("properties")
    if not isinstance(known, dict):
        return _fact(schema)
    rows = [(name, *_variable(rule)) for name, rule in known.items()]
    return format_html(
        '{}<details class="prompt-more"><summary>JSON Schema</summary>{}</details>',
        _table(rows),
        _fact(schema),
    )


def _variable(rule: Any) -> tuple[str, str, str]:
    if not isinstance(rule, dict):
        return "", "", ""
    kind = " or ".join(map(str, rule["enum"])) if "enum" in rule else str(rule.get("type", "any"))
    use = f"optional: {rule['default']}" if "default" in rule else "required"
    return kind, use, str(rule.get("description", ""))


def _table(rows: Iterable[Sequence[str]]) -> SafeString:
    """The first cell of a row is a name."""
    lines = (
        (name, format_html_join("", "<td>{}</td>", ((cell,) for cell in cells))) for name, *cells in rows
    )
    body = format_html_join("", '<tr><td class="prompt-mono">{}</td>{}</tr>', lines)
    return format_html('<table class="prompt-table prompt-narrow">{}</table>', body)


def _fact(value: Any) -> SafeString:
    text = value if isinstance(value, str) else json.dumps(value, indent=2, ensure_ascii=False)
    return format_html('<pre class="prompt-text">{}</pre>', text)
