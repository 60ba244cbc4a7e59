"""The operators' pages: the ledger to look at, projects, keys and prices to change through their verbs."""

from gateway_app.admin import access, calls, feedback, prices, purges

__all__ = ["access", "calls", "feedback", "prices", "purges"]
