from django.apps import AppConfig


class EvalsConfig(AppConfig):
    name = "evals_app"
    verbose_name = "Evals"
