"""Where Django looks for the admin's pages."""

from evals_app.admin_datasets import DatasetAdmin
from evals_app.admin_experiments import ExperimentAdmin
from evals_app.admin_runs import RunAdmin

__all__ = ["DatasetAdmin", "ExperimentAdmin", "RunAdmin"]
