"""`python -m torture.fuzz`: asks every endpoint what its schema allows and forbids, in sequences too.

Schemathesis makes the requests out of `/schema/` and holds each reply against it; ends with its exit code,
which is not 0 when a reply is a server error or does not fit.
"""

import argparse
import asyncio
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from torture.system import System

SCOPES = ["chat", "prompts:read", "prompts:write", "usage:read", "feedback", "experiments:read"]
CHECKS = "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance"
"""What every reply must pass; that a strict server refuses what a schema cannot say is no failure."""


def main() -> int:
    options = argparse.ArgumentParser(prog="python -m torture.fuzz", description=__doc__)
    options.add_argument("--examples", type=int, default=400, help="of each operation, at the most")
    options.add_argument("--seconds", type=int, default=900, help="for all of it")
    options.add_argument("--seed", type=int, default=8)
    return fuzz(**vars(options.parse_args()))


def fuzz(*, examples: int, seconds: int, seed: int) -> int:
    directory = Path(tempfile.mkdtemp(prefix="fuzz-"))
    system = System(directory, chunk_delay=0)
    try:
        system.start()
        [key] = asyncio.run(system.new_keys({"project": "fuzz", "scopes": SCOPES}))
        return _schemathesis(system.stack.url, key, examples=examples, seconds=seconds, seed=seed)
    finally:
        system.stop()
        shutil.rmtree(directory, ignore_errors=True)


def _schemathesis(url: str, key: str, *, examples: int, seconds: int, seed: int) -> int:
    command = [
        *(str(Path(sys.executable).with_name("schemathesis")), "run", f"{url}/schema/"),
        *("--header", f"Authorization: Bearer {key}", "--checks", CHECKS, "--mode", "all"),
        *("--max-examples", str(examples), "--max-time", str(seconds), "--seed", str(seed)),
        *("--continue-on-failure", "--no-color", "--workers", "3", "--request-timeout", "40"),
    ]
    return subprocess.run(command, timeout=seconds + 120).returncode


if __name__ == "__main__":
    sys.exit(main())
