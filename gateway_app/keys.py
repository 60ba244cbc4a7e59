"""The form of an API key, `gw_<id>_<secret>`, and how a secret is checked."""

import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass

FORM = re.compile(r"gw_([a-z0-9]{12})_([A-Za-z0-9_-]{43})")
ALPHABET = "abcdefghijklmnopqrstuvwxyz0123456789"


@dataclass(frozen=True, slots=True)
class KeyText:
    id: str
    secret: str

    def __str__(self) -> str:
        return f"gw_{self.id}_{self.secret}"


def new_key() -> KeyText:
    """An id of 12 characters and a secret of 256 bits."""
    return KeyText("".join(secrets.choice(ALPHABET) for _ in range(12)), secrets.token_urlsafe(32))


def parse_key(text: str) -> KeyText | None:
    match = FORM.fullmatch(text)
    return KeyText(match[1], match[2]) if match else None


def hash_secret(secret: str) -> str:
    """SHA-256 in hex: right for random secrets of this length (OWASP ASVS 5.0, 6.5.2)."""
    return hashlib.sha256(secret.encode()).hexdigest()


def matches(secret: str, secret_hash: str) -> bool:
    """In constant time."""
    return hmac.compare_digest(hash_secret(secret).encode(), secret_hash.encode())
