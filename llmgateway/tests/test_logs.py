"""Lines of a moment are written together, and none is forgotten."""

import asyncio

import pytest

from llmgateway.logs import Lines


def test_without_a_loop_a_line_is_written_at_once(capsys: pytest.CaptureFixture[str]) -> None:
    Lines().msg("one")
    assert capsys.readouterr().out == "one\n"


def test_in_a_loop_the_lines_of_a_moment_come_together(capsys: pytest.CaptureFixture[str]) -> None:
    lines = Lines()

    async def say() -> str:
        lines.msg("one")
        lines.msg("two")
        at_once = capsys.readouterr().out
        await asyncio.sleep(10 * Lines.MOMENT)
        return at_once

    assert asyncio.run(say()) == ""
    assert capsys.readouterr().out == "one\ntwo\n"


def test_what_a_loop_left_behind_is_written_by_the_next_one(capsys: pytest.CaptureFixture[str]) -> None:
    lines = Lines()

    async def say(line: str, *, stay: float) -> None:
        lines.msg(line)
        await asyncio.sleep(stay)

    asyncio.run(say("one", stay=0))
    asyncio.run(say("two", stay=10 * Lines.MOMENT))
    assert capsys.readouterr().out == "one\ntwo\n"
