"""An error's code in words: what it means, and what to do."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Trouble:
    cause: str
    advice: str


TROUBLES: Mapping[str, Trouble] = {
    "request_rejected": Trouble(
        "The gateway refused the request.", "Read the message that the caller was sent, and mend the request."
    ),
    "invalid_request": Trouble(
        "The request does not fit the schema, or the prompt version's parameters are wrong.",
        "Compare the request with /docs/; for a prompt, look at the version's parameters.",
    ),
    "body_too_large": Trouble(
        "The body is larger than MAX_BODY_BYTES.", "Send less, or let the operator raise the bound."
    ),
    "invalid_image_url": Trouble(
        "An image's address is not on the list of hosts, or what is there cannot be used.",
        "Send the image as a data URL, or let the operator add its host to IMAGE_URL_HOSTS.",
    ),
    "reader_too_slow": Trouble(
        "The client took none of the stream for too long, and was cut off.",
        "Look at what reads the stream: it must keep up, or ask for a whole reply.",
    ),
    "invalid_api_key": Trouble(
        "No API key came with the request, or one that is wrong, expired or revoked.",
        "Make a new key under API keys and put it into the caller's configuration.",
    ),
    "forbidden": Trouble(
        "The key may not do this: it lacks the scope, or the model or prompt is not on its list.",
        "Use another key, or make one that may.",
    ),
    "model_not_found": Trouble(
        "No provider of this gateway serves the model, or the vendor does not know it.",
        "Check the model's name against GET /v1/models and the vendor's own list.",
    ),
    "rate_limit_exceeded": Trouble(
        "The key made more requests or used more tokens in a minute than it may.",
        "Let the caller wait as long as Retry-After says, or raise the key's limit.",
    ),
    "concurrency_limit_exceeded": Trouble(
        "The key had as many calls under way as it may.",
        "Let the caller ask for less at once, or raise the key's limit.",
    ),
    "budget_spent": Trouble(
        "What is left of the key's budget does not cover the call.",
        "Wait for the next day or month, or raise the key's budget.",
    ),
    "price_unknown": Trouble(
        "The key has a budget, and nobody knows what this model costs.",
        "Add the model's price under Model prices.",
    ),
    "unavailable": Trouble(
        "A part of the gateway was away that the call could not do without.",
        "Look at /health/ready; callers may simply try again.",
    ),
    "provider_error": Trouble(
        "The vendor failed in a way that has no better name.", "Look at the tries below, then try again."
    ),
    "provider_refused": Trouble(
        "The vendor does not accept this request.",
        "The request must change: look for parameters that the model does not take, or too long a text.",
    ),
    "provider_denied": Trouble(
        "The vendor does not accept the gateway's credentials.",
        "Check the vendor's API key in the environment, its project and its billing.",
    ),
    "provider_rate_limited": Trouble(
        "The vendor's own limit was reached, in every try.",
        "Spread the load, ask the vendor for more quota, or give the model a fallback.",
    ),
    "provider_timeout": Trouble(
        "The vendor was slower than FIRST_TOKEN_TIMEOUT, IDLE_TIMEOUT or REQUEST_TIMEOUT allows.",
        "See below which wait it was. If the model is rightly slow, raise that bound.",
    ),
    "provider_unavailable": Trouble(
        "The vendor answered with a server error, or could not be reached.",
        "Usually it passes. If not, look at the vendor's status page and at the way out of your network.",
    ),
    "circuit_open": Trouble(
        "The model had failed so often that the gateway left it alone for a moment.",
        "Look for the calls just before this one: they say what was wrong.",
    ),
    "provider_bad_reply": Trouble(
        "The vendor's reply was broken or cut short.",
        "Try again; if it stays, the vendor has changed its wire: see the log's upstream_call.",
    ),
    "prompt_error": Trouble("The prompt could not be used.", "Look at the prompt's page."),
    "prompt_not_found": Trouble(
        "There is no such prompt, or it has no published version, or it is archived.",
        "Check its name, publish a version, or restore it.",
    ),
    "prompt_version_not_found": Trouble(
        "The prompt has no published version of that name.",
        "Ask for another version, or publish this one.",
    ),
    "variables_invalid": Trouble(
        "Variables were missing, unknown, or not what the version's schema says.",
        "Compare what the caller sends with the version's variables.",
    ),
    "template_invalid": Trouble(
        "The version's text does not parse as a template.", "Mend the braces in a new version."
    ),
    "registry_unavailable": Trouble(
        "The worker had not loaded the prompts yet, and Postgres was away.",
        "Look at Postgres and at /health/ready.",
    ),
    "internal_error": Trouble(
        "Something went wrong inside the gateway: a defect.",
        "Search the log for this request id; the traceback is there. Please report it.",
    ),
}

UNKNOWN = Trouble("The call failed in a way that has no words here.", "Search the log for this request id.")
CANCELLED = Trouble(
    "The client left before the reply was finished, or the worker was stopped.",
    "Nothing, if people close pages. If it happens often, compare the client's timeout with the latency.",
)


def trouble(outcome: str, code: str | None) -> Trouble | None:
    """None for a call that went well."""
    if outcome == "ok":
        return None
    return CANCELLED if outcome == "cancelled" else TROUBLES.get(code or "", UNKNOWN)
