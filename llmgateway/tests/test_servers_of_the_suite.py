"""The suite has a Postgres and a Redis of its own."""

import os

import pytest
import redis
from django.db import connection


@pytest.mark.django_db
def test_the_database_is_the_suites_own() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_database()")
        assert cursor.fetchone()[0].startswith("test_llmgateway_")


def test_redis_answers() -> None:
    with redis.Redis.from_url(os.environ["REDIS_URL"]) as client:
        assert client.ping()
