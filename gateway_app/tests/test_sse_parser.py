"""Server-sent events come out as the standard says, however the bytes were cut."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway_app.providers.sse import EventParser, EventTooLarge, ServerSentEvent

LINES = (
    b"data: one",
    b"data:two",
    b"data",
    b"data: ",
    b"event: ping",
    b"event",
    b": a comment",
    b"id: 7",
    b"",
)
STREAMS = st.lists(
    st.tuples(st.sampled_from(LINES), st.sampled_from((b"\n", b"\r", b"\r\n"))), max_size=30
).map(lambda lines: b"".join(line + end for line, end in lines))
CUTS = st.lists(st.integers(min_value=0, max_value=300), max_size=40)


def parsed(*pieces: bytes, limit: int = 10_000) -> list[ServerSentEvent]:
    parser = EventParser(max_event_bytes=limit)
    return [event for piece in pieces for event in parser.feed(piece)]


def cut(stream: bytes, places: list[int]) -> list[bytes]:
    bounds = [0, *sorted(place for place in places if place < len(stream)), len(stream)]
    return [stream[start:end] for start, end in pairwise(bounds)]


@given(STREAMS, CUTS)
def test_the_events_do_not_depend_on_where_the_bytes_are_cut(stream: bytes, places: list[int]) -> None:
    assert parsed(*cut(stream, places)) == parsed(stream)


@given(STREAMS)
def test_every_byte_on_its_own_gives_the_same_events(stream: bytes) -> None:
    assert parsed(*cut(stream, list(range(len(stream))))) == parsed(stream)


@given(st.lists(st.text(min_size=1).filter(lambda text: not set(text) & {"\r", "\n"})))
def test_what_was_written_is_read_back(texts: list[str]) -> None:
    stream = b"".join(f"data: {text}\n\n".encode() for text in texts)
    assert [event.data.decode() for event in parsed(stream)] == texts


@pytest.mark.parametrize("end", [b"\n", b"\r", b"\r\n"], ids=["LF", "CR", "CRLF"])
def test_every_line_end_is_understood(end: bytes) -> None:
    stream = end.join([b"event: delta", b"data: a", b"data: b", b"", b"data: c", b"", b""])
    assert parsed(stream) == [
        ServerSentEvent(name="delta", data=b"a\nb"),
        ServerSentEvent(name="message", data=b"c"),
    ]


@pytest.mark.parametrize(
    ("stream", "data"),
    [
        pytest.param(b"data:  two spaces\n\n", [b" two spaces"], id="one space belongs to the field"),
        pytest.param(b"data: a: b\n\n", [b"a: b"], id="the first colon counts"),
        pytest.param(b": ping\n\ndata: x\n\n", [b"x"], id="comments say nothing"),
        pytest.param(b"event: ping\n\ndata: x\n\n", [b"x"], id="without data there is no event"),
        pytest.param(b"id: 1\nretry: 5\nother: 2\ndata: x\n\n", [b"x"], id="other fields are ignored"),
        pytest.param(b"\xef\xbb\xbfdata: x\n\n", [b"x"], id="a byte order mark is dropped"),
        pytest.param(b"data: x\n\n\xef\xbb\xbfdata: y\n\n", [b"x"], id="but only where the stream begins"),
        pytest.param(b"data: x\n\ndata: cut off\n", [b"x"], id="an unfinished event is never seen"),
        pytest.param(b"data: \xff\n\n", [b"\xff"], id="bytes are passed on as they are"),
    ],
)
def test_the_standard_is_kept(stream: bytes, data: list[bytes]) -> None:
    assert [event.data for event in parsed(stream)] == data


@given(CUTS)
def test_an_event_that_is_too_large_ends_the_stream_after_those_before_it(places: list[int]) -> None:
    pieces = cut(b"data: small\n\n" + b"data: " + b"x" * 200 + b"\n\n", places)
    parser, seen = EventParser(max_event_bytes=100), []
    with pytest.raises(EventTooLarge):
        for piece in pieces:
            for event in parser.feed(piece):
                seen.append(event.data)
    assert seen == [b"small"]


def test_many_small_lines_of_one_event_are_bounded_too() -> None:
    with pytest.raises(EventTooLarge):
        parsed(b"data: 123456789\n" * 20, limit=100)
