"""Prompts, their versions, every change that was made to them, and who is told."""

from prompts_app.models.changes import PromptChange, ScheduledChange
from prompts_app.models.prompts import Example, Prompt, PromptVersion, RegistryRevision, columns, new_salt
from prompts_app.models.webhooks import Webhook, WebhookDelivery, new_secret

__all__ = [
    "Example",
    "Prompt",
    "PromptChange",
    "PromptVersion",
    "RegistryRevision",
    "ScheduledChange",
    "Webhook",
    "WebhookDelivery",
    "columns",
    "new_salt",
    "new_secret",
]
