"""The registry's addresses."""

from django.urls import path

from prompts_app import views

urlpatterns = [
    path("prompts", views.PromptsView.as_view()),
    path("prompts/<slug:name>", views.PromptView.as_view()),
    path("prompts/<slug:name>/render", views.RenderView.as_view()),
    path("prompts/<slug:name>/versions/<str:version>", views.VersionView.as_view()),
    path("prompts/<slug:name>/versions/<str:version>/render", views.RenderVersionView.as_view()),
]
