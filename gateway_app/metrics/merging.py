"""Puts the files of a server's workers together: `python merging.py DIRECTORY` writes Prometheus' text.

A program of its own: done in a worker, even in a thread, this kept its event loop from running for 0.2 s.
"""

import asyncio
import sys

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector

PATIENCE = 10.0
"""Seconds; Prometheus' own is ten by default."""


class MergeFailed(Exception):
    """The message is for the log."""


async def merged(directory: str) -> bytes:
    """Prometheus' text of all workers. Raises `MergeFailed`."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-P", __file__, directory),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        async with asyncio.timeout(PATIENCE):
            text, errors = await process.communicate()
    except TimeoutError as exc:
        raise MergeFailed(f"not done in {PATIENCE:g} s") from exc
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode:
        raise MergeFailed(errors.decode(errors="replace")[-300:])
    return text


def main() -> None:
    registry = CollectorRegistry()
    MultiProcessCollector(registry, path=sys.argv[1])  # type: ignore[no-untyped-call]
    sys.stdout.buffer.write(generate_latest(registry))


if __name__ == "__main__":
    main()
