"""Log lines reach the output: together in an event loop, at once outside of one."""

import asyncio
from pathlib import Path

from llmgateway.logs import Outlet


def test_outside_of_an_event_loop_a_line_is_out_at_once(tmp_path: Path) -> None:
    with (tmp_path / "log").open("wb") as file:
        outlet = Outlet(file)
        outlet.write(b"one\n")
        outlet.flush()
        assert (tmp_path / "log").read_bytes() == b"one\n"


async def test_in_an_event_loop_the_lines_of_a_moment_go_out_together(tmp_path: Path) -> None:
    log = tmp_path / "log"
    with log.open("wb") as file:
        outlet = Outlet(file)
        for line in (b"one\n", b"two\n"):
            outlet.write(line)
            outlet.flush()
        assert log.read_bytes() == b""
        await asyncio.sleep(2 * Outlet.MOMENT)
        assert log.read_bytes() == b"one\ntwo\n"
