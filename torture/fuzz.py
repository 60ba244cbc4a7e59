"""`python -m torture.fuzz`: asks every endpoint what its schema allows and forbids, in sequences too.

Schemathesis makes the requests out of `/schema/` and holds each reply against it. It is run again with the
next seed until there are `--cases`, several at once; ends with 1 when a reply is a server error or does not
fit.
"""

import argparse
import asyncio
import re
import shutil
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from torture.system import System

SCOPES = ["chat", "prompts:read", "prompts:write", "usage:read", "feedback", "experiments:read"]
CHECKS = "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance"
"""What every reply must pass; that a strict server refuses what a schema cannot say is no failure."""


def main() -> int:
    options = argparse.ArgumentParser(prog="python -m torture.fuzz", description=__doc__)
    options.add_argument("--examples", type=int, default=400, help="of each operation in a run, at the most")
    options.add_argument("--seconds", type=int, default=900, help="for all of it")
    options.add_argument(
        "--cases", type=int, default=0, help="no run begins after so many; 0: one round of runs"
    )
    options.add_argument("--at-once", type=int, default=2, help="runs; each takes about half a core")
    options.add_argument("--seed", type=int, default=8)
    return fuzz(**vars(options.parse_args()))


def fuzz(*, examples: int, seconds: int, cases: int, at_once: int, seed: int) -> int:
    directory = Path(tempfile.mkdtemp(prefix="fuzz-"))
    system = System(directory, chunk_delay=0)
    end = time.monotonic() + seconds
    asked, failed = 0, False
    try:
        system.start()
        [key] = asyncio.run(system.new_keys({"project": "fuzz", "scopes": SCOPES}))
        with ThreadPoolExecutor(at_once) as crowd:
            while (left := round(end - time.monotonic())) > 0 and not (asked and asked >= cases):
                run = partial(_schemathesis, system.stack.url, key, examples=examples, seconds=left)
                for found in crowd.map(run, range(seed, seed + at_once)):
                    asked, failed = asked + found.cases, failed or found.failed
                seed += at_once
                print(f"{asked} cases so far, {'some' if failed else 'none'} of them failed", flush=True)
        return int(failed)
    finally:
        system.stop()
        shutil.rmtree(directory, ignore_errors=True)


@dataclass(frozen=True)
class Run:
    cases: int
    failed: bool


def _schemathesis(url: str, key: str, seed: int, *, examples: int, seconds: int) -> Run:
    """Prints what it found, at its end."""
    command = [
        *(str(Path(sys.executable).with_name("schemathesis")), "run", f"{url}/schema/"),
        *("--header", f"Authorization: Bearer {key}", "--checks", CHECKS, "--mode", "all"),
        *("--max-examples", str(examples), "--max-time", str(seconds), "--seed", str(seed)),
        *("--continue-on-failure", "--no-color", "--request-timeout", "40", "--generation-database", "none"),
    ]
    done = subprocess.run(command, timeout=seconds + 120, capture_output=True, text=True)
    print(done.stdout, done.stderr, sep="\n", flush=True)
    generated = re.search(r"([\d,]+) generated", done.stdout)
    return Run(cases=int(generated[1].replace(",", "")) if generated else 0, failed=done.returncode != 0)


if __name__ == "__main__":
    sys.exit(main())
