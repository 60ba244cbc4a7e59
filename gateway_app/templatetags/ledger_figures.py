"""`figures` for templates."""

from django.template import Library

from gateway_app import figures

register = Library()

for name in ("dollars", "milliseconds", "percent", "thousands", "plain"):
    register.filter(name, getattr(figures, name))
