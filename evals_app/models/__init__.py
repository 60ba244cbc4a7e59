"""The app's tables, one module for each subject."""

from evals_app.models.datasets import Case, Dataset, DatasetVersion
from evals_app.models.experiments import Experiment, ExperimentEvent, Judgement, Look
from evals_app.models.runs import EvalResult, EvalRun

__all__ = [
    "Case",
    "Dataset",
    "DatasetVersion",
    "EvalResult",
    "EvalRun",
    "Experiment",
    "ExperimentEvent",
    "Judgement",
    "Look",
]
