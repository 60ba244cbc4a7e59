"""Promises about time, with room for a busy machine: the best of many tries counts."""

import timeit

import pytest

from prompts_app import services
from prompts_app.changes import By
from prompts_app.content import VersionContent
from prompts_app.registry import Registry

NAMES = ("tone", "role", "text", "language", "length")


@pytest.mark.django_db
def test_resolving_two_kilobytes_with_five_variables_takes_less_than_50_microseconds(ada: By) -> None:
    content = VersionContent(
        system="You are {{tone}} and {{role}}. " + "word " * 250,
        user="{{text}} in {{language}}, {{length}}. " + "word " * 150,
        variables={
            "type": "object",
            "properties": {name: {"type": "string", "minLength": 1} for name in NAMES},
            "required": list(NAMES),
            "additionalProperties": False,
        },
    )
    services.create_prompt(name="greeter", **ada)
    services.save_draft(prompt="greeter", version="v1", content=content, **ada)
    services.publish_version(prompt="greeter", version="v1", **ada)
    services.activate_version(prompt="greeter", version="v1", **ada)
    registry = Registry()
    registry.catch_up()
    values = dict.fromkeys(NAMES, "value")
    tries = timeit.repeat(
        lambda: registry.resolve("greeter", variables=values, unit="u"), number=200, repeat=25
    )
    assert min(tries) / 200 < 50e-6
