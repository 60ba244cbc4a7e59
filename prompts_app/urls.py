"""The registry's addresses. `-`, which is no prompt's name, stands for the whole registry."""

from django.urls import path

from prompts_app import services
from prompts_app.views import examples, files, history, prompts, schedule, versions, webhooks
from prompts_app.views.registry_view import verb_view

ALL = "prompts/-"
PROMPT = "prompts/<slug:name>"
VERSION = f"{PROMPT}/versions/<str:version>"
HOOK = f"{ALL}/webhooks/<int:hook>"

urlpatterns = [
    path(f"{ALL}/changes", history.AllChangesView.as_view()),
    path(f"{ALL}/changes.csv", history.ChangesFileView.as_view()),
    path(f"{ALL}/files", files.AllFilesView.as_view()),
    path(f"{ALL}/webhooks", webhooks.WebhooksView.as_view()),
    path(HOOK, webhooks.WebhookView.as_view()),
    path(f"{HOOK}/deliveries", webhooks.DeliveriesView.as_view()),
    path(f"{HOOK}/deliveries/<int:delivery>/send-again", webhooks.SendAgainView.as_view()),
    path("prompts", prompts.PromptsView.as_view()),
    path(PROMPT, prompts.PromptView.as_view()),
    path(f"{PROMPT}/render", versions.RenderView.as_view()),
    path(f"{PROMPT}/split", prompts.SplitView.as_view()),
    path(
        f"{PROMPT}/roll-back",
        verb_view(services.roll_back, "Returns to what was live before the last change").as_view(),
    ),
    path(
        f"{PROMPT}/archive",
        verb_view(services.archive_prompt, "Takes a prompt out of service").as_view(),
    ),
    path(
        f"{PROMPT}/restore",
        verb_view(services.restore_prompt, "Takes a prompt into service again").as_view(),
    ),
    path(f"{PROMPT}/changes", history.ChangesView.as_view()),
    path(f"{PROMPT}/files", files.FilesView.as_view()),
    path(f"{PROMPT}/examples", examples.ExamplesView.as_view()),
    path(f"{PROMPT}/examples/<path:example>", examples.ExampleView.as_view()),
    path(f"{PROMPT}/schedule", schedule.ScheduleView.as_view()),
    path(f"{PROMPT}/schedule/<int:planned>", schedule.PlannedView.as_view()),
    path(f"{PROMPT}/versions", versions.DraftsView.as_view()),
    path(VERSION, versions.VersionView.as_view()),
    path(f"{VERSION}/render", versions.RenderVersionView.as_view()),
    path(
        f"{VERSION}/publish",
        verb_view(services.publish_version, "Publishes a draft, for ever").as_view(),
    ),
    path(
        f"{VERSION}/activate",
        verb_view(services.activate_version, "Makes a version live for everybody, ending a split").as_view(),
    ),
    path(
        f"{VERSION}/archive",
        verb_view(services.archive_version, "Takes a published version out of choice").as_view(),
    ),
    path(
        f"{VERSION}/restore",
        verb_view(services.restore_version, "Takes an archived version into choice again").as_view(),
    ),
]
