"""The forms of plans. They read and explain; whether a plan is right is for `plans.check` to say."""

from typing import Any

from django import forms
from unfold.widgets import (
    UnfoldAdminDecimalFieldWidget,
    UnfoldAdminIntegerFieldWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
)

from evals_app.exceptions import PlanInvalid
from evals_app.experiments import plans
from evals_app.experiments.plans import ExperimentPlan, Plan, RolloutPlan
from prompts_app.registry import registry

MEASURES = "errors, latency, cost, tokens, feedback:<name>, judge:<name>"
DIRECTIONS = (("", "as usual"), ("up", "more is better"), ("down", "less is better"))
UNITS = (("any", "session, else user, else each call"), ("session", "only calls with a session"))
GUARDRAILS = "errors 0.01\nlatency 0.2"


def line(label: str, says: str, *, initial: Any = None, required: bool = True) -> forms.CharField:
    widget = UnfoldAdminTextInputWidget()
    return forms.CharField(label=label, help_text=says, initial=initial, required=required, widget=widget)


def lines(label: str, says: str, *, rows: int, required: bool = True, **more: Any) -> forms.CharField:
    widget = UnfoldAdminTextareaWidget({"rows": rows})
    return forms.CharField(label=label, help_text=says, required=required, widget=widget, **more)


def number(label: str, says: str, *, initial: float, required: bool = True) -> forms.FloatField:
    widget = UnfoldAdminDecimalFieldWidget()
    return forms.FloatField(label=label, help_text=says, initial=initial, required=required, widget=widget)


def choice(label: str, says: str, choices: Any, *, required: bool = True) -> forms.ChoiceField:
    widget = UnfoldAdminSelectWidget()
    return forms.ChoiceField(label=label, help_text=says, choices=choices, required=required, widget=widget)


class PlanForm(forms.Form):
    """What both kinds of plan have; `plan` is the result."""

    kind = ""
    name = line("Name", "a-z, 0-9, _ and -. It cannot be changed later.")
    prompt = choice("Prompt", "Whose traffic is split.", ())
    hypothesis = lines("Hypothesis", "What you expect, and why.", rows=2, required=False)
    champion = line("Champion", "The version that is live now, and stays if anything is in doubt.")
    guardrails = lines(
        "Guardrails",
        "2 to 5 lines: a measure and how much worse it may become. 0.01 errors are one call in a hundred; "
        "for latency, cost and tokens 0.2 is a fifth of the champion's.",
        rows=3,
        initial=GUARDRAILS,
    )
    unit = choice("Unit", "What is counted, and gets one version for as long as it lasts.", UNITS)
    alpha = number("Error rate", "How often chance alone may decide; 0.05 is usual.", initial=0.05)
    judge_name = line("Judge", "A name, to have a model score a sample: judge:<name>.", required=False)
    judge_rubric = lines("Rubric", "What a good answer is, in plain words.", rows=2, required=False)
    judge_percent = forms.IntegerField(
        label="Judge (%)",
        help_text="Of the calls of each arm.",
        initial=10,
        required=False,
        widget=UnfoldAdminIntegerFieldWidget(),
    )
    judge_cap_usd = number("Judge's cap", "USD; then it stops.", initial=1.0, required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        registry.catch_up()
        names = [(entry.name, entry.name) for entry in registry.prompts()]
        prompt = self.fields["prompt"]
        assert isinstance(prompt, forms.ChoiceField)
        prompt.choices = names

    def clean(self) -> dict[str, Any]:
        super().clean()
        if not self.errors:
            try:
                self.plan = plans.read(self._written())
            except (PlanInvalid, ValueError) as exc:
                raise forms.ValidationError(str(exc)) from exc
        return self.cleaned_data

    def _written(self) -> dict[str, Any]:
        said = self.cleaned_data
        names = ("name", "prompt", "hypothesis", "champion", "unit", "alpha")
        plan = {name: said[name] for name in names} | {"kind": self.kind}
        guards = [row.split() for row in said["guardrails"].splitlines() if row.strip()]
        plan["guardrails"] = [_guardrail(words) for words in guards]
        if said["judge_name"]:
            plan["judge"] = {
                name: said[f"judge_{name}"]
                for name in ("name", "rubric", "percent", "cap_usd")
                if said[f"judge_{name}"] not in ("", None)
            }
        return plan | self._own(said)

    def _own(self, said: dict[str, Any]) -> dict[str, Any]:
        raise NotImplementedError


class ExperimentForm(PlanForm):
    kind = "experiment"
    weights = line("Arms", "Versions and percents, the champion among them: v1 50, v2 50.")
    primary = line("Primary measure", f"What decides. {MEASURES}.", initial="feedback:helpful")
    direction = choice("Better is", "Errors, time, cost: less. Scores: more.", DIRECTIONS, required=False)
    mde = number(
        "Smallest effect", "Worth finding, in the measure's unit; the smaller, the longer.", initial=0.05
    )
    min_days = number("At least (days)", "Nothing good is said before; a week sees every day.", initial=7)

    field_order = (
        *("name", "prompt", "hypothesis", "champion", "weights"),
        *("primary", "direction", "mde", "min_days", "guardrails"),
    )

    def _own(self, said: dict[str, Any]) -> dict[str, Any]:
        arms = [part.split() for part in said["weights"].replace(",", "\n").splitlines() if part.strip()]
        return {
            "weights": dict(_arm(words) for words in arms),
            "direction": said["direction"] or None,
            **{name: said[name] for name in ("primary", "mde", "min_days")},
        }


class RolloutForm(PlanForm):
    kind = "rollout"
    candidate = line("Candidate", "The version that shall become live, step by step.")
    steps = line("Steps (%)", "Growing, the last one 100.", initial="1 10 50 100")
    hold_hours = number("Hold (hours)", "Each step is watched so long at the least.", initial=24)
    hold_units = number("Hold (units)", "And until so many units saw each version.", initial=200)
    holdback = number(
        "Holdback (%)",
        "The champion keeps it at the last step, until that has held, too. 0: nobody watches the last step.",
        initial=5,
    )

    field_order = (
        *("name", "prompt", "hypothesis", "champion", "candidate"),
        *("steps", "hold_hours", "hold_units", "holdback", "guardrails"),
    )

    def _own(self, said: dict[str, Any]) -> dict[str, Any]:
        return {
            "candidate": said["candidate"],
            "steps": [_percent(step) for step in said["steps"].replace(",", " ").split()],
            "hold_hours": said["hold_hours"],
            "hold_units": int(said["hold_units"]),
            "holdback": int(said["holdback"]),
        }


class WhyForm(forms.Form):
    why = line("Why", "Kept in the history of the experiment and of the prompt.", required=False)
    seen = forms.IntegerField(required=False, widget=forms.HiddenInput)
    """The newest event."""


FORMS: dict[str, type[PlanForm]] = {"experiment": ExperimentForm, "rollout": RolloutForm}


def written(plan: Plan) -> dict[str, Any]:
    """A plan as the form's fields."""
    rails = [" ".join(filter(None, (g.measure, f"{g.margin:g}", g.direction))) for g in plan.guardrails]
    said = plans.plain(plan) | {"guardrails": "\n".join(rails)}
    if isinstance(plan, ExperimentPlan):
        said["weights"] = ", ".join(f"{label} {share}" for label, share in plan.weights.items())
        said["direction"] = plan.direction or ""
    if isinstance(plan, RolloutPlan):
        said["steps"] = " ".join(map(str, plan.steps))
    judge = said.pop("judge") or {}
    return said | {f"judge_{name}": value for name, value in judge.items()}


def _arm(words: list[str]) -> tuple[str, int]:
    """Raises `ValueError`."""
    if len(words) != 2:
        raise ValueError(f"{' '.join(words)!r}: an arm is a version and a percentage, such as v2 50")
    return words[0], _percent(words[1])


def _percent(word: str) -> int:
    """Raises `ValueError`."""
    if not word.rstrip("%").isdecimal():
        raise ValueError(f"{word!r} is no whole percentage")
    return int(word.rstrip("%"))


def _guardrail(words: list[str]) -> dict[str, Any]:
    """Raises `ValueError`."""
    measure, *rest = words
    if not 1 <= len(rest) <= 2:
        raise ValueError(f"{' '.join(words)!r}: a guardrail is a measure and a margin, such as errors 0.01")
    try:
        margin = float(rest[0])
    except ValueError:
        raise ValueError(f"{rest[0]!r} is no margin: write a number, such as 0.01") from None
    return {"measure": measure, "margin": margin, "direction": rest[1] if rest[1:] else None}
