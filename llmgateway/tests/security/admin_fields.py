"""Which fields each role may set in the admin; `test_admin_fields.py` sends all of them, each time."""

CHANGED = """
prompts_app.prompt           e  description
prompts_app.prompt           p  active_version traffic_split
prompts_app.prompt           s  active_version traffic_split description
prompts_app.promptversion    e  system user messages model parameters variables response_schema notes
prompts_app.promptversion    p  -
prompts_app.promptversion    s  system user messages model parameters variables response_schema notes
prompts_app.promptchange     s  -
prompts_app.webhook          s  url description active
prompts_app.webhookdelivery  s  -
gateway_app.apikey           s  allowed_models allowed_prompts requests_per_minute tokens_per_minute concurrent_requests daily_budget_usd monthly_budget_usd
gateway_app.project          s  name content_percent content_days
gateway_app.call             s  -
gateway_app.feedback         s  -
gateway_app.modelprice       s  -
gateway_app.cachepurge       s  -
evals_app.dataset            e  -
evals_app.evalrun            s  -
evals_app.experiment         s  -
"""  # noqa: E501
"""Model, role, fields of a row that a POST to its page changes. A dataset's texts are rows of their own."""

ADDED = """
prompts_app.prompt           e  name description
prompts_app.promptversion    e  prompt label system user messages model parameters variables response_schema notes
prompts_app.webhook          s  url description active
gateway_app.apikey           s  project name scopes expires_at allowed_models allowed_prompts requests_per_minute tokens_per_minute concurrent_requests daily_budget_usd monthly_budget_usd
gateway_app.project          s  name content_percent content_days
gateway_app.modelprice       s  model starts_at note input cached output long_input long_cached long_output audio_input audio_cached audio_output
gateway_app.cachepurge       s  kind name
"""  # noqa: E501
"""Model, role, fields of a new row that are as they were sent."""

FOLLOW = {"revision", "updated_at", "digest", "buckets", "split_phase"}
"""Change with the others, by themselves."""

FORGED = {
    "prompts_app.prompt": {"name": "other", "traffic_split": '{"v1": 50, "v2": 50}', "salt": "forged"},
    "prompts_app.promptversion": {
        "label": "v9",
        "messages": '[{"role": "user", "content": "forged"}]',
        "parameters": '{"temperature": 0.1}',
        "variables": '{"type": "object"}',
        "response_schema": '{"type": "object"}',
        "partials": '{"forged": "forged"}',
        "status": "published",
    },
    "prompts_app.webhook": {"url": "https://example.org/forged", "secret": "forged"},
    "prompts_app.webhookdelivery": {"state": "waiting"},
    "gateway_app.apikey": {"scopes": ["usage:read"], "allowed_models": "forged", "allowed_prompts": "forged"},
    "gateway_app.cachepurge": {"kind": "model"},
    "gateway_app.feedback": {"kind": "text"},
}
"""What is sent where a field's kind alone does not say it."""
