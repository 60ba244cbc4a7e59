"""What it costs to resolve and render a prompt: microseconds a call, the best of 25 rounds of 200."""

import sys
import timeit

from prompts_app.content import VersionContent
from prompts_app.rendering import parse

NAMES = ("tone", "role", "text", "language", "length")

CONTENT = VersionContent(
    system="You are {{tone}} and {{role}}. " + "word " * 250,
    user="{{text}} in {{language}}, {{length}}. " + "word " * 150,
    variables={
        "type": "object",
        "properties": {name: {"type": "string", "minLength": 1} for name in NAMES},
        "required": list(NAMES),
        "additionalProperties": False,
    },
)
"""Two kilobytes, five variables."""


def microseconds(statement: object, *, number: int) -> float:
    return min(timeit.repeat(statement, number=number, repeat=25)) / number * 1e6  # type: ignore[arg-type]


def main() -> None:
    values = dict.fromkeys(NAMES, "value")
    many = parse(" ".join(f"{{{{v{number}}}}}" for number in range(10_000)))
    numbered = {f"v{number}": "x" for number in range(10_000)}
    rows = {
        "render 2 kB, 5 variables": microseconds(lambda: CONTENT.render(values), number=200),
        "render 10,000 placeholders": microseconds(lambda: many.render(numbered), number=1),
    }
    for name, cost in rows.items():
        sys.stdout.write(f"{name:30} {cost:10.1f} µs\n")


if __name__ == "__main__":
    main()
