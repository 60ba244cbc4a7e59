"""API keys: their form, and who is let in."""

import time

import pytest

from gateway_app.authentication import ANONYMOUS, KnownKey, authenticate
from gateway_app.exceptions import Forbidden, Unauthenticated, Unavailable
from gateway_app.keys import hash_secret, matches, new_key, parse_key
from gateway_app.requests import Caller

KEY = new_key()
CALLER = Caller(project_id=1, project="p", key_id=KEY.id, scopes=frozenset({"chat"}))
KEYS = {KEY.id: KnownKey(caller=CALLER, secret_hash=hash_secret(KEY.secret), expires_at=None)}

BAD = {
    "the secret of another": f"gw_{KEY.id}_{new_key().secret}",
    "an id that nobody has": f"gw_{new_key().id}_{KEY.secret}",
    "a prefix": str(KEY)[:-1],
    "something after it": f"{KEY}x",
    "no secret": f"gw_{KEY.id}_",
    "SQL": "' OR pg_sleep(8)--",
    "digits of another script": "gw_\u0661\u0662\u0663_x",
    "NUL": "\x00",
    "very long": "x" * 10_000,
}

OTHER_SCHEMES = {"none": str(KEY), "Basic": f"Basic {KEY}", "no key": "Bearer", "an empty key": "Bearer "}


def test_a_key_is_read_back_from_its_text() -> None:
    assert parse_key(str(KEY)) == KEY
    assert matches(KEY.secret, hash_secret(KEY.secret))


def test_the_right_key_gets_its_caller() -> None:
    assert authenticate(f"Bearer {KEY}", KEYS, allow_anonymous=False) is CALLER
    assert authenticate(f"bearer {KEY}", KEYS, allow_anonymous=False) is CALLER


@pytest.mark.parametrize("what", BAD)
@pytest.mark.parametrize("allow_anonymous", [True, False])
def test_every_bad_key_gets_the_same_answer(what: str, allow_anonymous: bool) -> None:
    with pytest.raises(Unauthenticated, match=r"^this API key is not valid$"):
        authenticate(f"Bearer {BAD[what]}", KEYS, allow_anonymous=allow_anonymous)


@pytest.mark.parametrize("what", OTHER_SCHEMES)
def test_another_scheme_is_no_key(what: str) -> None:
    with pytest.raises(Unauthenticated):
        authenticate(OTHER_SCHEMES[what], KEYS, allow_anonymous=True)


def test_an_expired_key_is_a_bad_key() -> None:
    expired = KnownKey(caller=CALLER, secret_hash=hash_secret(KEY.secret), expires_at=time.time() - 1)
    with pytest.raises(Unauthenticated):
        authenticate(f"Bearer {KEY}", {KEY.id: expired}, allow_anonymous=False)


def test_without_a_key_one_is_anonymous_only_where_that_is_allowed() -> None:
    assert authenticate("", KEYS, allow_anonymous=True) is ANONYMOUS
    with pytest.raises(Unauthenticated, match="no API key"):
        authenticate("", KEYS, allow_anonymous=False)


def test_while_no_keys_are_known_nobody_is_called_a_liar() -> None:
    with pytest.raises(Unavailable):
        authenticate(f"Bearer {KEY}", None, allow_anonymous=False)


def test_a_scope_that_is_missing_is_named() -> None:
    CALLER.require("chat")
    with pytest.raises(Forbidden, match="prompts:write"):
        CALLER.require("prompts:write")
