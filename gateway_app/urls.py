"""Whole replies over REST."""

from django.urls import path

from gateway_app import ledger_views, views
from gateway_app.metrics import page

NAME = "<slug:name>"

urlpatterns = [
    path("health", views.HealthView.as_view()),
    path("health/ready", views.ReadyView.as_view()),
    path("metrics", page.metrics),
    path("chat", views.ChatView.as_view()),
    path("summarize", views.SummarizeView.as_view()),
    path(f"prompts/{NAME}/chat", views.PromptChatView.as_view()),
    path("usage", ledger_views.UsageView.as_view()),
    path("feedback", ledger_views.FeedbackView.as_view()),
    path("calls/<str:request_id>", ledger_views.CallView.as_view()),
]
