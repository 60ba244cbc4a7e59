"""The experiments' addresses."""

from django.urls import path

from evals_app import views

urlpatterns = [
    path("experiments", views.ExperimentsView.as_view()),
    path("experiments/<slug:name>", views.OneExperimentView.as_view()),
]
