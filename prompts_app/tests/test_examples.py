from typing import Any

import pytest

from prompts_app import services
from prompts_app.changes import By
from prompts_app.examples import MAX_EXAMPLES, delete_example, save_example
from prompts_app.exceptions import ChangeRefused
from prompts_app.models import Example, Prompt, PromptChange

INPUT = {"name": "Grace", "z": [1, {"b": None, "a": True}]}


def save(prompt: Prompt, ada: By, *, name: str = "a greeting", variables: Any = INPUT) -> Example:
    return save_example(prompt=prompt.name, name=name, variables=variables, **ada)


def test_an_example_is_kept_as_it_was_given(prompt: Prompt, ada: By) -> None:
    save(prompt, ada)
    kept = Example.objects.get()
    assert (kept.name, list(kept.variables.items()), kept.author) == (
        "a greeting",
        list(INPUT.items()),
        "ada",
    )


def test_the_same_name_again_replaces_it_and_the_history_has_both(prompt: Prompt, ada: By) -> None:
    save(prompt, ada)
    save(prompt, ada, variables={"name": "Alan"})
    assert Example.objects.get().variables == {"name": "Alan"}
    change = PromptChange.objects.latest("id")
    assert (change.before, change.after) == ({"a greeting": INPUT}, {"a greeting": {"name": "Alan"}})


def test_a_deleted_example_can_be_read_in_the_history(prompt: Prompt, ada: By) -> None:
    save(prompt, ada)
    delete_example(prompt=prompt.name, name="a greeting", **ada)
    assert not Example.objects.exists()
    assert PromptChange.objects.latest("id").before == {"a greeting": INPUT}


def test_an_example_puts_nobodys_edit_in_conflict(prompt: Prompt, ada: By) -> None:
    seen = Prompt.objects.get().revision
    save(prompt, ada)
    by: By = {**ada, "expected_revision": seen}
    assert services.describe_prompt(prompt=prompt.name, description="Kinder.", **by).description == "Kinder."


@pytest.mark.parametrize(
    ("name", "variables"),
    [
        ("", {}),
        (" ", {}),
        ("x" * 101, {}),
        ("a\0b", {}),
        ("big", {"name": "x" * 300_000}),
        ("nul", {"a": ["\0"]}),
    ],
)
def test_what_cannot_be_kept_is_refused(prompt: Prompt, ada: By, name: str, variables: Any) -> None:
    with pytest.raises(ChangeRefused):
        save(prompt, ada, name=name, variables=variables)


def test_a_prompt_has_a_bounded_number_of_examples(prompt: Prompt, ada: By) -> None:
    Example.objects.bulk_create(Example(prompt=prompt, name=str(number)) for number in range(MAX_EXAMPLES))
    with pytest.raises(ChangeRefused, match="delete one first"):
        save(prompt, ada)
    assert save(prompt, ada, name="7").variables == INPUT


def test_what_is_not_there_cannot_be_deleted(prompt: Prompt, ada: By) -> None:
    with pytest.raises(ChangeRefused, match="no example"):
        delete_example(prompt=prompt.name, name="gone", **ada)
