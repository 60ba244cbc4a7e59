"""What a webhook is sent: a change as JSON, and the proof that it came from here."""

import hashlib
import hmac
import json
from collections.abc import Mapping

from prompts_app.models import PromptChange

SIGNATURE = "X-Webhook-Signature"
TIMESTAMP = "X-Webhook-Timestamp"


def body_of(change: PromptChange) -> bytes:
    """The same bytes each time. Of two changes to a prompt, the later one has the higher `revision`."""
    return json.dumps(
        {
            "event": f"prompt.{change.verb}",
            "change": change.pk,
            "prompt": change.prompt.name,
            "version": change.version or None,
            "revision": change.revision,
            "actor": change.actor,
            "door": change.door,
            "at": change.at.isoformat(),
            "why": change.why,
            "before": change.before,
            "after": change.after,
        },
        separators=(",", ":"),
    ).encode()


def sign(body: bytes, *, secret: str, timestamp: int) -> str:
    """`sha256=` and the HMAC-SHA256 in hex of `timestamp.body`; `timestamp` in Unix seconds."""
    message = f"{timestamp}.".encode() + body
    return "sha256=" + hmac.new(secret.encode(), message, hashlib.sha256).hexdigest()


def headers_of(body: bytes, *, secret: str, timestamp: int) -> Mapping[str, str]:
    return {
        "Content-Type": "application/json",
        "User-Agent": "llmgateway",
        TIMESTAMP: str(timestamp),
        SIGNATURE: sign(body, secret=secret, timestamp=timestamp),
    }
