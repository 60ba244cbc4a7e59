"""What can go wrong with an evaluation.

EvalError
├── DatasetInvalid      a dataset says something wrong; the message names the case
├── DatasetNotFound
├── CallUnusable        a call that cannot become a case
├── ExperimentNotFound
├── ExperimentRefused   a step of an experiment that a rule forbids; nothing has changed
├── PlanInvalid         a plan says something wrong
├── RunNotFound
└── RunRefused          a run that a rule forbids, before anything is paid
"""


class EvalError(Exception):
    """Not raised itself. The message is for people."""


class DatasetInvalid(EvalError):
    pass


class DatasetNotFound(EvalError):
    pass


class CallUnusable(EvalError):
    pass


class ExperimentNotFound(EvalError):
    pass


class ExperimentRefused(EvalError):
    pass


class PlanInvalid(EvalError):
    pass


class RunNotFound(EvalError):
    pass


class RunRefused(EvalError):
    pass
