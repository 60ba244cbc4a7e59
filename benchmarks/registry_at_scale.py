"""What a huge registry costs a worker: seconds to load, megabytes to keep, microseconds to serve from.

    python -m benchmarks.registry_at_scale --prompts 2000 --versions 50

Fills a Postgres of its own with versions of two kilobytes and five variables, and loads them in a process of
its own, as a worker does at its start. Megabytes are resident memory after the load less before it.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
import timeit
from collections.abc import Callable
from functools import partial
from pathlib import Path

import psycopg

from benchmarks.own_system import ENVIRONMENT, own_postgres, with_database
from llmgateway.env import ROOT
from llmgateway.parts import MANAGE

PROMPTS = """
INSERT INTO prompts_app_prompt
    (name, description, traffic_split, buckets, split_phase, salt, archived, revision, created_at, updated_at)
SELECT 'prompt-' || number, 'One of many.', '{}', '[]', 0, md5(number::text), false, 1, now(), now()
FROM generate_series(1, %(prompts)s) AS number
"""
VERSIONS = """
INSERT INTO prompts_app_promptversion
    (prompt_id, label, system, "user", messages, model, parameters, variables, notes, partials, digest,
     status, author, revision, created_at, updated_at, published_at, published_by)
SELECT prompt.id, 'v' || number, 'You are {{tone}} and {{role}}. ' || repeat('word ', 250),
       '{{text}} in {{language}}, {{length}}. ' || repeat('word ', 150), '[]', '', '{"temperature": 0.2}',
       %(variables)s, 'As before, but better.', '{}', md5(prompt.name || number), 'published',
       'ada', 1, now(), now(), now(), 'grace'
FROM prompts_app_prompt AS prompt, generate_series(1, %(versions)s) AS number
"""
LIVE = """
UPDATE prompts_app_prompt AS prompt SET active_version_id = version.id
FROM prompts_app_promptversion AS version
WHERE version.prompt_id = prompt.id AND version.label = 'v' || %(versions)s
"""
TOUCH = "UPDATE prompts_app_promptversion SET status = 'archived' WHERE id = 1"
VARIABLES = {
    "properties": {name: {"type": "string"} for name in ("tone", "role", "text", "language", "length")},
    "required": ["text"],
}
VALUES = dict.fromkeys(("tone", "role", "text", "language", "length"), "value")


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--prompts", type=int, default=2000)
    options.add_argument("--versions", type=int, default=50)
    options.add_argument("--worker", action="store_true", help=argparse.SUPPRESS)
    asked = options.parse_args()
    if asked.worker:
        _be_a_worker()
        return
    with tempfile.TemporaryDirectory(prefix="llmgateway-") as name, own_postgres(Path(name)) as postgres:
        url = with_database(postgres.url, "postgres")
        environment = {**os.environ, **ENVIRONMENT, "DATABASE_URL": url}
        migrate = [*map(str, MANAGE), "migrate", "--verbosity", "0"]
        subprocess.run(migrate, cwd=ROOT, env=environment, check=True)
        size = {
            "prompts": asked.prompts,
            "versions": asked.versions,
            "variables": json.dumps(VARIABLES),
        }
        with psycopg.connect(url) as connection:
            for statement in (PROMPTS, VERSIONS, LIVE):
                connection.execute(statement, size)
        again = [sys.executable, "-m", "benchmarks.registry_at_scale", "--worker"]
        subprocess.run(again, cwd=ROOT, env=environment, check=True)


def _be_a_worker() -> None:
    os.environ["DJANGO_SETTINGS_MODULE"] = "llmgateway.settings"
    import django

    django.setup()
    from django.db import connection

    from prompts_app.registry import registry

    with connection.cursor() as cursor:
        before = _resident()
        _timed("load", registry.catch_up)
        _tell("kept in memory", "MB", (_resident() - before) / 1e6)
        cursor.execute(TOUCH)
        _timed("load after one change", registry.catch_up)
        _tell("kept after it", "MB", (_resident() - before) / 1e6)
    resolve = partial(registry.resolve, "prompt-7", variables=VALUES, unit="u")
    best = min(timeit.repeat(resolve, number=200, repeat=25)) / 200
    _tell("resolve and render", "µs", best * 1e6)


def _timed(name: str, what: Callable[[], object]) -> None:
    """In seconds, and in those of them that this process computed, for other work may be going on."""
    began, busy = time.perf_counter(), time.process_time()
    what()
    _tell(name, "s", time.perf_counter() - began)
    _tell(f"{name}, CPU", "s", time.process_time() - busy)


def _resident() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def _tell(name: str, unit: str, value: float) -> None:
    sys.stdout.write(f"{name:28} {value:10.2f} {unit}\n")


if __name__ == "__main__":
    main()
