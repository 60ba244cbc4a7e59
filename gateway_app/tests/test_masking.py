"""What must not be kept is not kept, and what may be is left as it is."""

import re
import time
from pathlib import Path

import msgspec
import pytest

from gateway_app import content
from gateway_app.content import BOUND, Content, masked
from gateway_app.masking import Mask, Masks, MasksInvalid, ends_in_check_digit, load, mask
from gateway_app.types import Image, Message, ToolCall
from llmgateway.env import ROOT

TEXTS = Path(__file__).parent / "texts"


@pytest.fixture(scope="module")
def masks() -> Masks:
    return load(ROOT / "fixtures" / "masks.yaml")


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("write to ada.lovelace+x@mail.example.co.uk, please", "write to [email], please"),
        ("<bob@example.com>;eve@example.org", "<[email]>;[email]"),
        ("jürgen@müller.example", "[email]"),
        ("card 4111 1111 1111 1111 exp 12/29", "card [card] exp 12/29"),
        ("5555-5555-5555-4444", "[card]"),
        ("378282246310005", "[card]"),
        ("call +49 (0)30 123456-78 today", "call [phone] today"),
        ("+1 415 555 0132", "[phone]"),
        ("(415) 555-0132 or 415.555.0132", "[phone] or [phone]"),
        ("030 / 1234 5678", "[phone]"),
        ("sk-proj-abcDEF0123456789abcdef", "[key]"),
        ("gw_abcdefghij12_" + "x" * 43, "[key]"),
        ("AIza" + "B" * 35, "[key]"),
        ("AKIAIOSFODNN7EXAMPLE", "[key]"),
        ("ghp_" + "a1" * 18, "[key]"),
        ("Authorization: Bearer abcdef0123456789ABCDEF==", "Authorization: Bearer [key]"),
        ("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl", "[key]"),
        ("id-eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl", "[key]"),
        ("token=a.eyJhbGciOiJIUzI1NiJ9." + "x" * 9000 + ".c2lnbmF0dXJl", "token=a.[key]"),
        (
            "-----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY-----",
            "[private-key]",
        ),
    ],
)
def test_secrets_and_addresses_are_masked(text: str, kept: str, masks: Masks) -> None:
    assert mask(text, masks) == kept


@pytest.mark.parametrize(
    "text",
    [
        "order 4111 1111 1111 1112",  # no check digit
        "2026-11-23 17:39:37",
        "2026-11-23T17:39:37+00:00",
        "10.0.192.168 and 127.0.0.1:8000",
        "pi is 3.14159265358979323846",
        "019342ab-7c1d-7e4f-9a3b-0123456789ab",
        "1,234,567,890.12 dollars",
        "a@b and @handle",
        "task-force sk-ip",
        "price: 0.30, 2.50",
    ],
)
def test_other_text_stays_as_it_is(text: str, masks: Masks) -> None:
    assert mask(text, masks) == text


def test_a_licence_stays_as_it_is(masks: Masks) -> None:
    text = (TEXTS / "apache-2.0.txt").read_text()
    assert mask(text, masks) == text


@pytest.mark.parametrize("piece", ["a", "1", "1 ", "a.", "@", "+1", "-----BEGIN PRIVATE KEY-----", "eyJ"])
def test_a_hostile_text_takes_no_longer_than_another(piece: str, masks: Masks) -> None:
    text = (piece * BOUND)[:BOUND]
    began = time.perf_counter()
    mask(text, masks)
    assert time.perf_counter() - began < 1


RUNS = (
    "a",
    "1",
    " ",
    "-",
    ".",
    "@",
    "=",
    "é",
    "1 ",
    "1-",
    "a.",
    "a@",
    "@a.",
    "a@a.",
    "+1 ",
    "(1",
    "(123) ",
    "030 / ",
)
TAILS = ("", "-", ".", " ", "a", "A ", "aaaaaaaa.", "a" * 15 + " ")
SHIPPED = load(ROOT / "fixtures" / "masks.yaml")


@pytest.mark.parametrize("rule", SHIPPED, ids=[f"{place}-{rule.name}" for place, rule in enumerate(SHIPPED)])
def test_no_rule_is_slow_on_any_text_made_of_its_own_pieces(rule: Mask) -> None:
    words = set(re.findall(r"[A-Za-z][A-Za-z_]+", re.sub(r"\\.", " ", rule.pattern.pattern)))
    slowest = 0.0
    for piece in (*RUNS, *(head + tail for head in sorted(words) for tail in TAILS)):
        text = (piece * BOUND)[:BOUND]
        began = time.process_time()
        rule.apply(text)
        slowest = max(slowest, time.process_time() - began)
        assert slowest < 1, piece


@pytest.mark.parametrize("number", ["0", "18", "79927398713", "4242424242424242"])
def test_a_right_check_digit_is_told_from_a_wrong_one(number: str) -> None:
    assert ends_in_check_digit(number)
    assert not ends_in_check_digit(number[:-1] + str((int(number[-1]) + 1) % 10))


@pytest.mark.parametrize(
    ("document", "says"),
    [
        ("masks: [{name: a}]", "pattern"),
        ("masks: [{name: a, pattern: '('}]", "mask a: missing"),
        ("masks: [{name: a, pattern: x, check: sum}]", "check is luhn or absent"),
        ("- [", "expected"),
    ],
)
def test_a_wrong_rule_is_refused_by_name(document: str, says: str, tmp_path: Path) -> None:
    path = tmp_path / "masks.yaml"
    path.write_text(document)
    with pytest.raises(MasksInvalid, match=says):
        load(path)


def test_a_file_of_ones_own_says_what_is_masked(tmp_path: Path) -> None:
    own = tmp_path / "masks.yaml"
    own.write_text("masks: [{name: order, pattern: 'ORD-[0-9]+'}]")
    assert mask("ORD-17 of ada@example.com", load(own)) == "[order] of ada@example.com"


def test_every_part_of_a_content_is_masked_and_pictures_are_not_kept(masks: Masks) -> None:
    call = ToolCall(id="c", name="send", arguments='{"to": "bob@example.com"}', signature="proof")
    said = Message(
        role="user",
        content="I am ada@example.com",
        images=(Image(media_type="image/png", data="aGk="),),
        tool_calls=(call,),
    )
    content = Content(
        messages=(said,),
        reply="Hi ada@example.com",
        tool_calls=(call,),
        days=1,
        variables={"to": ["ada@example.com", 7], "by": {"bob@example.com": "bob@example.com"}},
    )
    kept = masked(content, masks)
    assert kept.variables == {"to": ["[email]", 7], "by": {"[email]": "[email]"}}
    assert kept.messages[0].content == "I am [email]"
    assert kept.messages[0].images == (Image(media_type="image/png", data=""),)
    assert kept.messages[0].tool_calls == kept.tool_calls
    assert (kept.tool_calls[0].arguments, kept.tool_calls[0].signature) == ('{"to": "[email]"}', None)
    assert kept.reply == "Hi [email]"


def test_content_is_bounded_and_no_secret_is_cut_in_two(masks: Masks) -> None:
    text = "x" * (BOUND - 10) + " ada@example.com and more"
    said = (Message(role="user", content=text), Message(role="user", content="later"))
    kept = masked(Content(messages=said, reply=None, tool_calls=(), days=1), masks)
    assert len(kept.messages[0].content) < BOUND + 50
    assert "ada" not in kept.messages[0].content
    assert kept.messages[1].content == "… [cut: 5 characters in all]"


def test_what_is_not_kept_is_not_looked_at(masks: Masks, monkeypatch: pytest.MonkeyPatch) -> None:
    looked_at: list[int] = []

    def counting(text: str, rules: Masks) -> str:
        looked_at.append(len(text))
        return mask(text, rules)

    monkeypatch.setattr(content, "mask", counting)
    said = (Message(role="user", content="word " * 400),) * 2_048
    masked(Content(messages=said, reply=None, tool_calls=(), days=1), masks)
    assert sum(looked_at) < BOUND + 1_100


def test_names_and_ids_are_masked_too(masks: Masks) -> None:
    call = ToolCall(id="of ada@example.com", name="mail_ada@example.com", arguments="{}")
    said = Message(
        role="tool",
        name="ada@example.com",
        tool_call_id="of ada@example.com",
        images=(Image(media_type="image/ada@example.com", data="aGk="),),
        tool_calls=(call,),
    )
    kept = masked(Content(messages=(said,), reply=None, tool_calls=(call,), days=1), masks)
    assert "ada" not in str(kept)
    assert kept.messages[0].tool_call_id == kept.tool_calls[0].id == "of [email]"


@pytest.mark.parametrize(
    "said",
    [
        Message(role="user", name="x" * 1_000_000),
        Message(role="tool", tool_call_id="x" * 1_000_000),
        Message(
            role="assistant", tool_calls=(ToolCall(id="c", name="f", arguments="x" * (BOUND - 1_000)),) * 50
        ),
        Message(role="assistant", tool_calls=(ToolCall(id="c", name="f", arguments=""),) * 50_000),
        Message(role="user", images=(Image(media_type="image/png", data=""),) * 50_000),
    ],
    ids=["name", "id", "long calls", "many calls", "many images"],
)
def test_the_bound_is_for_a_call_with_all_its_parts(said: Message, masks: Masks) -> None:
    content = Content(messages=(said, said), reply="x" * BOUND, tool_calls=said.tool_calls, days=1)
    assert len(msgspec.json.encode(masked(content, masks))) < 2 * BOUND * 1.5
