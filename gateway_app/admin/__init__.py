"""The operators' pages: the ledger to look at, projects, keys and prices to change through their verbs."""

from django.contrib import admin

from gateway_app.admin import access, calls, feedback, prices, purges

admin.site.index_title = "Overview"
admin.site.empty_value_display = "—"
admin.site.index_template = "admin/gateway_app/dashboard.html"

__all__ = ["access", "calls", "feedback", "prices", "purges"]
