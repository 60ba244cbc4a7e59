"""The prompt editors' pages. Whatever they write goes through the verbs."""

from prompts_app.admin_changes import PromptChangeAdmin
from prompts_app.admin_prompts import PromptAdmin
from prompts_app.admin_versions import PromptVersionAdmin
from prompts_app.admin_webhooks import WebhookAdmin, WebhookDeliveryAdmin

__all__ = ["PromptAdmin", "PromptChangeAdmin", "PromptVersionAdmin", "WebhookAdmin", "WebhookDeliveryAdmin"]
