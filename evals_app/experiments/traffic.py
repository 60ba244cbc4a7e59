"""Where experiments change a prompt's traffic: through the registry's own verbs, and nowhere else."""

from collections.abc import Callable, Mapping

from evals_app.exceptions import ExperimentRefused
from prompts_app import conf, services
from prompts_app.changes import By, lock
from prompts_app.exceptions import PromptError
from prompts_app.models import Prompt


def divide(prompt: str, weights: Mapping[str, int], *, champion: str, by: By) -> int:
    """Splits the traffic, with the champion as the version that is left when the split ends.

    Returns the phase that begins. Raises `ExperimentRefused` for what the registry refuses.
    """
    if pinned := conf.pin(prompt):
        raise ExperimentRefused(f"the environment pins {prompt} to {pinned}: nothing would be split")
    return _changed(lambda: services.set_split(prompt=prompt, split=weights, active_version=champion, **by))


def give_all(prompt: str, version: str, *, by: By) -> int:
    """Ends a split: that version answers everybody. Returns the phase. Raises `ExperimentRefused`."""
    return _changed(lambda: services.activate_version(prompt=prompt, version=version, **by))


def phase_of(prompt: str, *, by: By) -> int:
    """The phase that is on; nobody changes it before the transaction ends. Raises `ExperimentRefused`."""
    return _changed(lambda: lock(prompt, by))


def _changed(verb: Callable[[], Prompt]) -> int:
    try:
        return verb().split_phase
    except PromptError as exc:
        raise ExperimentRefused(str(exc)) from exc
