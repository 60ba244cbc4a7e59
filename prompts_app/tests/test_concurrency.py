from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from django.core.management import call_command
from django.db import connections

from prompts_app import services
from prompts_app.changes import By
from prompts_app.content import VersionContent
from prompts_app.exceptions import EditConflict
from prompts_app.models import Prompt, PromptChange

BY: By = {"actor": "ada", "door": "rest"}


@pytest.fixture
def two_versions(transactional_db: None) -> Prompt:
    services.create_prompt(name="greeter", **BY)
    for label in ("v1", "v2"):
        services.save_draft(prompt="greeter", version=label, content=VersionContent(user=label), **BY)
        services.publish_version(prompt="greeter", version=label, **BY)
    return Prompt.objects.get()


def at_once(calls: list[Callable[[], object]]) -> list[object]:
    """What each call returned or raised."""

    def run(call: Callable[[], object]) -> object:
        try:
            return call()
        except Exception as exc:  # noqa: BLE001 - the tests look at it
            return exc
        finally:
            connections.close_all()

    with ThreadPoolExecutor(len(calls)) as threads:
        return list(threads.map(run, calls))


def test_changes_at_once_come_one_after_another(two_versions: Prompt) -> None:
    def split(percent: int) -> Callable[[], object]:
        return lambda: services.set_split(prompt="greeter", split={"v1": percent, "v2": 100 - percent}, **BY)

    outcomes = at_once([split(percent) for percent in range(10, 18)])
    assert sorted(prompt.split_phase for prompt in outcomes) == list(range(1, 9))  # type: ignore[attr-defined]
    changes = PromptChange.objects.filter(verb="set_split").order_by("revision")
    befores = [change.before for change in changes][1:]
    assert befores == [change.after for change in changes][:-1]


def test_of_two_who_saw_the_same_only_one_wins(two_versions: Prompt) -> None:
    by: By = {**BY, "expected_revision": two_versions.revision}

    def activate(label: str) -> Callable[[], object]:
        return lambda: services.activate_version(prompt="greeter", version=label, **by)

    outcomes = at_once([activate("v1"), activate("v2")])
    assert {type(outcome) for outcome in outcomes} == {EditConflict, Prompt}


def test_two_syncs_at_once_bring_each_file_in_once(transactional_db: None, tmp_path: Path) -> None:
    for name in ("a", "b", "c"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "v1.yaml").write_text(f"name: {name}\nversion: v1\nuser: x\n")
    outcomes = at_once([lambda: call_command("sync_prompts", str(tmp_path))] * 3)
    assert outcomes == [None, None, None]
    assert PromptChange.objects.filter(verb="create_prompt").count() == 3
