"""Whatever happens to a body on its way, it is read or it is refused."""

import json
from contextlib import suppress

from hypothesis import given
from hypothesis import strategies as st

from gateway_app.authentication import ANONYMOUS
from gateway_app.exceptions import RequestRejected
from gateway_app.tests.v1.conftest import WEATHER, body, user
from gateway_app.v1.asking import ask
from gateway_app.v1.reading import read

CALL = {"id": "call_1", "type": "function", "function": {"name": "get_weather", "arguments": "{}"}}
GOOD = json.dumps(
    body(
        "",
        messages=[
            {"role": "system", "content": [{"type": "text", "text": "Be brief."}]},
            user("Hello"),
            {"role": "assistant", "content": None, "tool_calls": [CALL]},
            {"role": "tool", "tool_call_id": "call_1", "content": "sunny"},
        ],
        tools=[WEATHER],
        tool_choice="auto",
        stop=["END"],
        temperature=0.5,
        metadata={"session_id": "s-1"},
        stream=True,
        stream_options={"include_usage": True},
    )
).encode()
SHARDS = b'{ } [ ] " : , null true -1 0 1e999 "" {} [] \\ \\u0000 \\ud800 NaN 99999999999999999999'.split()

damages = st.tuples(
    st.integers(0, len(GOOD)), st.integers(0, 12), st.one_of(st.sampled_from(SHARDS), st.binary(max_size=4))
)


@given(st.lists(damages, min_size=1, max_size=4))
def test_a_damaged_body_is_read_or_refused(damage: list[tuple[int, int, bytes]]) -> None:
    data = GOOD
    for place, length, shard in damage:
        data = data[:place] + shard + data[place + length :]
    with suppress(RequestRejected):
        ask({"request_id": "r-1", "headers": []}, read(data), ANONYMOUS)
