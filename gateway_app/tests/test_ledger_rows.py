"""What a call leaves in Postgres."""

from datetime import timedelta
from decimal import Decimal
from uuid import UUID

import msgspec
import pytest
from msgspec.structs import replace

from gateway_app import ledger_rows
from gateway_app.calls import Call as CallUnderWay
from gateway_app.content import Content, ContentPolicy
from gateway_app.models import Call, CallContent, Project, RollupDue
from gateway_app.records import Attempt, Step
from gateway_app.requests import Caller, ChatRequest
from gateway_app.tests.ledger_calls import NOON, call, calls, encode, write
from gateway_app.types import Completion, Message, Parameters, Usage

pytestmark = pytest.mark.django_db

SAID = Content(messages=(Message(role="user", content="Hello"),), reply="Hi\0 there", tool_calls=(), days=7)


def under_way(policy: ContentPolicy, *, ending: int = 0) -> CallUnderWay:
    """A call whose id ends in `ending` (mod 100)."""
    caller = Caller(project_id=1, project="p", key_id="k", key_name="ours", content=policy)
    request = ChatRequest(
        request_id="r", caller=caller, surface="chat", stream=False, session_id="s-1", received=1.0
    )
    found = CallUnderWay(request, began=1.5)
    found.id = UUID(int=found.id.int // 100 * 100 + ending)
    found.messages = (Message(role="user", content="Hello"),)
    return found


def test_a_row_says_who_asked_what_and_why_it_was_this_version() -> None:
    asked = under_way(ContentPolicy())
    asked.prompt_version, asked.phase, asked.arm_reason = "v2", 3, "split"
    asked.parameters = Parameters(temperature=0.1, max_tokens=5, top_p=0.5, tools=({"name": "send"},))
    asked.did("resolve")
    write(asked.record())
    row = Call.objects.get()
    assert (row.project_id, row.project_name, row.key_id, row.key_name) == (1, "p", "k", "ours")
    assert (row.prompt_version, row.phase, row.arm_reason) == ("v2", 3, "split")
    assert (row.temperature, row.max_tokens) == (0.1, 5)
    assert row.parameters == {"top_p": 0.5, "tools": ["send"]}
    assert (row.session_id, row.trace_id, row.parse_ms) == ("s-1", row.id.hex, 500)
    assert [step["name"] for step in row.steps] == ["resolve"]


def test_calls_of_one_unit_can_be_told_from_others() -> None:
    write(*(under_way(ContentPolicy()).record() for _ in range(2)), call())
    hashes = list(Call.objects.filter(session_id="s-1").values_list("unit_hash", flat=True))
    assert hashes[0] == hashes[1]
    assert Call.objects.exclude(unit_hash=hashes[0]).count() == 1


def test_a_row_keeps_when_each_try_began_and_how_it_ended() -> None:
    tries = (
        Attempt(provider="gemini", model="m", seconds=0.2, error="provider_unavailable", status=503, at=0.1),
        Attempt(provider="gemini", model="m", seconds=0.3, at=0.9),
    )
    write(call(attempts=tries, steps=(Step(name="cache", at=0.05),)))
    row = Call.objects.get()
    assert [(each["at"], each["status"]) for each in row.attempts] == [(0.1, 503), (0.9, None)]
    assert row.steps == [{"name": "cache", "at": 0.05}]


def test_a_call_is_written_once_however_often_it_comes() -> None:
    record = call(content=SAID, project_id=Project.objects.create(name="p").pk)
    write(record, record)
    write(record)
    assert (Call.objects.count(), CallContent.objects.count()) == (1, 1)


def test_an_entry_of_older_code_is_still_a_row() -> None:
    entry = msgspec.json.decode(encode(call()))
    for name in ("steps", "content", "arm_reason", "price_id", "cache_key", "trace_id", "parameters"):
        del entry[name]
    assert ledger_rows.store([msgspec.json.encode(entry)]) == {}
    assert Call.objects.get().steps == []


def test_an_unreadable_entry_and_one_that_fits_nowhere_do_not_hold_up_the_others() -> None:
    misfit = encode(call("misfit", project_id=2**63))
    entries = [b"{", encode(call("good")), misfit]
    assert ledger_rows.store(entries).keys() == {b"{", misfit}
    assert Call.objects.get().request_id == "good"


def test_a_call_is_not_lost_to_a_number_that_is_too_large_for_its_column() -> None:
    counts = dict.fromkeys(Usage.__struct_fields__, 2**40)
    write(
        call("large", max_tokens=2**31, phase=2**70, usage=Usage(**counts), cost_usd=Decimal(10**9)),
        call("below 0", max_tokens=-1, usage=Usage(output_tokens=-5), saved_usd=Decimal(-(10**9))),
        call("none", max_tokens=None),
    )
    large, below, none = (Call.objects.get(request_id=name) for name in ("large", "below 0", "none"))
    most = 2**31 - 1
    assert (large.max_tokens, large.phase, large.input_tokens, large.output_image_tokens) == (most,) * 4
    assert large.cost_usd == Decimal("99999999.9999999999")
    assert (below.max_tokens, below.output_tokens) == (0, 0)
    assert below.saved_usd == Decimal("-99999999.9999999999")
    assert (none.max_tokens, none.input_tokens) == (None, 100)


def test_every_batch_leaves_a_note_of_its_hours() -> None:
    write(*calls(3), call("later", created_at=NOON + timedelta(minutes=61)))
    assert list(RollupDue.objects.values_list("hour", flat=True)) == [NOON, NOON + timedelta(hours=1)]


def test_a_row_says_what_was_sound_and_what_images_and_can_be_read_back() -> None:
    usage = Usage(
        input_tokens=90,
        cached_tokens=50,
        output_tokens=40,
        total_tokens=130,
        input_audio_tokens=30,
        cached_audio_tokens=20,
        output_audio_tokens=10,
        input_image_tokens=25,
        output_image_tokens=15,
    )
    write(call(usage=usage))
    row = Call.objects.get()
    assert (row.input_audio_tokens, row.output_image_tokens) == (30, 15)
    assert ledger_rows.record(row).usage == usage


def test_content_is_kept_only_where_a_project_wants_it() -> None:
    assert under_way(ContentPolicy()).record().content is None
    assert under_way(ContentPolicy(percent=100), ending=99).record().content is not None


@pytest.mark.parametrize(("ending", "kept"), [(0, True), (24, True), (25, False), (99, False)])
def test_content_is_kept_of_the_share_of_calls_that_a_project_wants(ending: int, kept: bool) -> None:
    assert (under_way(ContentPolicy(percent=25), ending=ending).record().content is not None) is kept


def test_content_is_what_was_said_and_answered() -> None:
    asked = under_way(ContentPolicy(percent=100, days=7))
    asked.answered(Completion(text="Hi", finish_reason="stop", usage=Usage(), model="m"))
    assert asked.record().content == replace(SAID, reply="Hi")


def test_content_has_a_row_of_its_own_that_says_how_long_it_stays() -> None:
    project = Project.objects.create(name="p")
    write(call(content=SAID, project_id=project.pk))
    row = CallContent.objects.get()
    assert row.id == Call.objects.get().id
    assert row.expires_at == NOON + timedelta(days=7)
    assert (row.messages[0]["content"], row.reply, row.variables) == ("Hello", "Hi there", None)


def test_money_is_kept_to_the_last_digit() -> None:
    write(call(cost_usd=Decimal("0.0000000001"), saved_usd=Decimal("12345678.0123456789")))
    row = Call.objects.get()
    assert (row.cost_usd, row.saved_usd) == (Decimal("0.0000000001"), Decimal("12345678.0123456789"))


def test_a_text_that_is_too_long_is_cut_and_a_nul_is_left_out() -> None:
    stops = {"stop": ["\0x", r"\u0000"]}
    write(call("r" * 200, key_name="a\0b", parameters=stops), call("other"))
    row = Call.objects.get(key_name="ab")
    assert (row.request_id, row.parameters) == ("r" * 128, {"stop": ["x", r"\u0000"]})
    assert Call.objects.count() == 2
