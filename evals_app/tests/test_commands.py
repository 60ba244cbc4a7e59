import json
from io import StringIO
from pathlib import Path
from xml.etree import ElementTree as Xml

import pytest
from django.conf import settings as project
from django.core.management import call_command
from django.core.management.base import CommandError

from evals_app import services
from evals_app.management.commands.eval import Command
from evals_app.models import Dataset, DatasetVersion, EvalRun
from gateway_app.testing.process import SimulatorProcess

SEEDS = Path(project.BASE_DIR) / "fixtures" / "evals"


@pytest.fixture
def vendor_process(settings):
    with SimulatorProcess() as running:
        options = {"api_key": "for-tests", "base_url": running.url}
        settings.PROVIDERS = {"gemini": settings.PROVIDERS["gemini"] | {"OPTIONS": options}}
        yield running.control


def run(*arguments):
    output = StringIO()
    call_command(*arguments, stdout=output, stderr=StringIO())
    return output.getvalue()


def code_of(*arguments):
    """What the shell sees."""
    with pytest.raises(SystemExit) as left:
        Command(stdout=StringIO(), stderr=StringIO()).run_from_argv(["manage.py", "eval", *arguments])
    return left.value.code


def test_a_version_that_keeps_up_passes_the_gate(dataset, vendor_process):
    dataset(60)
    assert "**not worse**" in run("eval", "echoes", "--versions", "v1", "v2", "--gate")


def test_a_regression_exits_with_2(dataset, vendor_process):
    # v2 says the text twice, and so more than it may.
    dataset(20, evaluators=[{"kind": "length", "at_most": 1}])
    assert code_of("echoes", "--versions", "v1", "v2", "--gate") == 2


def test_too_few_cases_exit_with_3(dataset, vendor_process):
    dataset(3)
    assert code_of("echoes", "--versions", "v1", "v2", "--gate") == 3


ERRORS = [
    ["nothing", "--versions", "v1"],
    ["echoes", "--versions", "v9"],
    ["echoes"],
    ["echoes", "--versions", "v1", "v2", "--cap", "much"],
    ["echoes", "--versions", "v1", "v2", "--cap", "0.000001"],
    ["--resume", "1234567"],
    ["--no-such-option"],
    ["echoes", "--versions", "v1", "--gate"],
]


@pytest.mark.parametrize("arguments", ERRORS)
def test_every_mistake_exits_with_1(dataset, arguments):
    dataset()
    assert code_of(*arguments) == 1


def test_the_report_is_written_in_every_form(dataset, vendor_process, tmp_path):
    dataset(30)
    forms = {form: tmp_path / f"report.{form}" for form in ("junit", "markdown", "json")}
    options = [text for form, path in forms.items() for text in (f"--{form}", str(path))]
    printed = run("eval", "echoes", "--versions", "v1", "v2", *options)
    assert forms["markdown"].read_text() == printed
    assert json.loads(forms["json"].read_text())["baseline"] == "v1"
    assert len(Xml.parse(forms["junit"]).findall(".//testcase")) == 61  # noqa: S314


def test_a_run_that_stopped_at_its_cap_goes_on(dataset, vendor_process):
    dataset(10)
    started = services.start_run(dataset="echoes", versions=["v1", "v2"], actor="ada")
    EvalRun.objects.update(state="capped")
    run("eval", "--resume", str(started.pk))
    started.refresh_from_db()
    assert (started.state, started.finished) == ("done", 20)


def test_every_seeded_dataset_fits_its_prompts_versions(transactional_db):
    run("sync_prompts", "--activate")
    run("sync_datasets")
    versions = {"summarizer": ["v1", "v2"]}
    for name in Dataset.objects.values_list("name", flat=True):
        services.start_run(dataset=name, versions=versions.get(name, ["v1"]), actor="ada")
    assert EvalRun.objects.count() == len(list(SEEDS.glob("*.yaml"))) >= 6
    assert EvalRun.objects.get(dataset_version__dataset__name="summarizer").total >= 60


def test_syncing_twice_changes_nothing(db):
    run("sync_datasets")
    assert run("sync_datasets") == "no dataset is new\n"


def test_an_edit_is_not_overwritten_by_a_newer_file(dataset, tmp_path):
    dataset()
    (tmp_path / "echoes.yaml").write_text(run("export_dataset", "echoes").replace("c0", "d0"))
    assert "was edited by ada" in run("sync_datasets", str(tmp_path))
    assert "saved echoes #2" in run("sync_datasets", str(tmp_path), "--force")


def test_a_wrong_file_brings_nothing_in(tmp_path, db):
    (tmp_path / "a.yaml").write_text(
        (SEEDS / "commit-message.yaml").read_text().replace("commit-message", "a")
    )
    (tmp_path / "b.yaml").write_text("name: b")
    with pytest.raises(CommandError, match=r"b\.yaml"):
        run("sync_datasets", str(tmp_path))
    assert not DatasetVersion.objects.exists()


@pytest.mark.parametrize("form", ["yaml", "jsonl", "csv"])
def test_cases_go_out_and_come_back(dataset, tmp_path, form):
    saved = dataset()
    file = tmp_path / f"cases.{form}"
    file.write_text(run("export_dataset", "echoes", "--format", form), newline="")
    assert "echoes #1 has 3 cases" in run("import_cases", "echoes", str(file))
    assert services.newest_version("echoes") == saved


def test_cases_can_be_added(dataset, tmp_path):
    dataset(2)
    file = tmp_path / "more.jsonl"
    file.write_text('{"key": "new", "variables": {"text": "x"}}\n{"key": "c0", "variables": {"text": "y"}}\n')
    assert "echoes #2 has 3 cases" in run("import_cases", "echoes", str(file), "--add")
    cases = services.newest_version("echoes").content.cases
    assert [(case.key, case.variables["text"]) for case in cases] == [
        ("c0", "y"),
        ("c1", "word1"),
        ("new", "x"),
    ]
