"""How scores come from those who give them to the process that has the tracers: a list in Redis."""

import redis

from gateway_app.tracing.records import Score, encode_score

SCORES = "gw:scores"
BOUND = 10_000
"""Scores that wait while nobody takes them; beyond it the oldest are forgotten. Postgres has them all."""
BATCH = 500


def send_score(client: redis.Redis, score: Score) -> None:
    """Tells every tracer of it, soon. Blocks as long as Redis does; raises `RedisError`."""
    with client.pipeline(transaction=False) as pipe:
        pipe.lpush(SCORES, encode_score(score))
        pipe.ltrim(SCORES, 0, BOUND - 1)
        pipe.execute()


def take_scores(client: redis.Redis) -> list[bytes]:
    """The oldest that wait, encoded. Raises `RedisError`."""
    taken: list[bytes] | None = client.rpop(SCORES, BATCH)  # type: ignore[assignment]
    return taken or []
