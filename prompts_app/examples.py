"""Inputs worth keeping: each prompt's own, to try its versions with."""

import json
from collections.abc import Mapping
from typing import Any, Unpack

from django.db import transaction

from prompts_app.changes import By, lock, record
from prompts_app.content import is_storable, texts_in
from prompts_app.exceptions import ChangeRefused
from prompts_app.models import Example

MAX_EXAMPLES = 100
"""Of one prompt."""
MAX_BYTES = 256 * 1024
MAX_NAME = 100


@transaction.atomic
def save_example(*, prompt: str, name: str, variables: Mapping[str, Any], **by: Unpack[By]) -> Example:
    """Keeps the input under that name, in place of the one that had it. Raises `ChangeRefused`."""
    _check(name, variables)
    owner = lock(prompt, by)
    example = owner.examples.filter(name=name).first()
    if example is None and owner.examples.count() >= MAX_EXAMPLES:
        raise ChangeRefused(f"{prompt} has {MAX_EXAMPLES} examples: delete one first")
    before = {name: example.variables} if example else {}
    example = example or Example(prompt=owner, name=name)
    if before.get(name) != variables:
        example.variables, example.author = dict(variables), by["actor"]
        example.save()
        record(owner, "save_example", before=before, after={name: example.variables}, by=by)
    return example


@transaction.atomic
def delete_example(*, prompt: str, name: str, **by: Unpack[By]) -> None:
    owner = lock(prompt, by)
    example = owner.examples.filter(name=name).first()
    if example is None:
        raise ChangeRefused(f"{prompt} has no example {name}")
    example.delete()
    record(owner, "delete_example", before={name: example.variables}, after={}, by=by)


def _check(name: str, variables: Mapping[str, Any]) -> None:
    if not 0 < len(name.strip()) <= MAX_NAME:
        raise ChangeRefused(f"an example has a name of 1 to {MAX_NAME} characters")
    if not all(map(is_storable, texts_in({name: variables}))):
        raise ChangeRefused("the example holds a character that cannot be stored")
    if len(json.dumps(variables)) > MAX_BYTES:
        raise ChangeRefused(f"an example takes at most {MAX_BYTES // 1024} kB")
