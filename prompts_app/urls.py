"""The registry's addresses."""

from django.urls import path

from prompts_app import views

VERSION = "prompts/<slug:name>/versions/<str:version>"

urlpatterns = [
    path("prompts", views.PromptsView.as_view()),
    path("prompts/<slug:name>", views.PromptView.as_view()),
    path("prompts/<slug:name>/render", views.RenderView.as_view()),
    path("prompts/<slug:name>/split", views.SplitView.as_view()),
    path("prompts/<slug:name>/roll-back", views.RollBackView.as_view()),
    path("prompts/<slug:name>/versions", views.DraftsView.as_view()),
    path(VERSION, views.VersionView.as_view()),
    path(f"{VERSION}/render", views.RenderVersionView.as_view()),
    path(f"{VERSION}/publish", views.PublishView.as_view()),
    path(f"{VERSION}/activate", views.ActivateView.as_view()),
]
