"""What Postgres keeps: who may call, what every call was, what it costs."""

from gateway_app.models.access import AccessRevision, ApiKey, Project
from gateway_app.models.calls import Call, CallContent, Feedback
from gateway_app.models.prices import ModelPrice
from gateway_app.models.purges import CachePurge
from gateway_app.models.rollups import Rollup, RollupDue

__all__ = [
    "AccessRevision",
    "ApiKey",
    "CachePurge",
    "Call",
    "CallContent",
    "Feedback",
    "ModelPrice",
    "Project",
    "Rollup",
    "RollupDue",
]
