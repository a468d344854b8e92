import json
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
import redis
from django.test import Client
from pytest_django import Settings

from jobs.broker import keys
from jobs.job_types import GROUPS
from jobs.scheduler import SCHEDULER
from tests import servers
from tests.conftest import LiveValkey

ALL = (*GROUPS, SCHEDULER)


@pytest.fixture
def owner(
    settings: Settings, spare_database: str, live_valkey: LiveValkey
) -> Iterator[psycopg.Connection]:
    """The product on a database and a Redis of its own, both whole, and no process alive."""
    settings.DATABASE_URL = servers.current().database_url("app", spare_database)
    settings.REDIS_URL = live_valkey.url
    _fill(live_valkey)
    url = servers.current().database_url("owner", spare_database)
    with psycopg.connect(url, autocommit=True) as connection:
        yield connection


def test_a_process_is_alive_whatever_became_of_the_others(
    client: Client, settings: Settings
) -> None:
    settings.DATABASE_URL = "postgresql://app@127.0.0.1:1/nowhere"

    answered = client.get("/healthz")

    assert (answered.status_code, answered.json()) == (200, {"status": "up"})


def test_with_every_part_there_it_is_ready(client: Client, owner: psycopg.Connection) -> None:
    _alive(owner, "a", ALL)

    answered = client.get("/readyz")

    assert answered.status_code == 200
    assert {part["status"] for part in answered.json()["parts"].values()} == {"up"}


@pytest.mark.parametrize("missing", ALL)
def test_a_group_that_nobody_serves_is_named(
    client: Client, owner: psycopg.Connection, missing: str
) -> None:
    _alive(owner, "a", [group for group in ALL if group != missing])

    answered = client.get("/readyz")

    assert answered.status_code == 503
    assert _not_up(answered) == [SCHEDULER if missing == SCHEDULER else f"workers.{missing}"]


def test_a_worker_that_fell_silent_or_signed_off_serves_nobody(
    client: Client, owner: psycopg.Connection
) -> None:
    _alive(owner, "a", ALL)
    _alive(owner, "stopped", ALL)
    owner.execute("UPDATE jobs_worker SET seen_at = now() - interval '1 hour' WHERE id = 'a'")
    owner.execute("UPDATE jobs_worker SET stopped_at = now() WHERE id = 'stopped'")

    answered = client.get("/readyz")

    assert len(_not_up(answered)) == len(ALL)


def test_a_redis_that_is_gone_or_empty_is_named(
    client: Client, owner: psycopg.Connection, live_valkey: LiveValkey
) -> None:
    _alive(owner, "a", ALL)
    live_valkey.stop()
    gone = client.get("/readyz")

    live_valkey.start()
    empty = client.get("/readyz")

    assert (gone.status_code, empty.status_code) == (503, 503)
    assert _not_up(gone) == _not_up(empty) == ["redis"]
    assert "lost its data" in empty.json()["parts"]["redis"]["why"]


def test_a_redis_that_is_full_is_named(
    client: Client, owner: psycopg.Connection, live_valkey: LiveValkey
) -> None:
    _alive(owner, "a", ALL)
    with redis.Redis.from_url(live_valkey.url) as connection:
        connection.config_set("maxmemory", 1)

    answered = client.get("/readyz")

    assert answered.status_code == 503
    assert _not_up(answered) == ["redis"]
    assert "full" in answered.json()["parts"]["redis"]["why"]


def test_a_database_that_is_gone_is_named_without_saying_where_it_was(
    client: Client, owner: psycopg.Connection, settings: Settings
) -> None:
    settings.DATABASE_URL = "postgresql://app@127.0.0.1:1/nowhere"

    answered = client.get("/readyz")

    assert answered.status_code == 503
    assert answered.json()["parts"]["database"]["status"] == "down"
    assert answered.json()["parts"]["scheduler"]["status"] == "unknown"
    assert "nowhere" not in answered.content.decode()


def _fill(valkey: LiveValkey) -> None:
    with redis.Redis.from_url(valkey.url) as connection:
        connection.set(keys.EPOCH, "whole")


def _alive(owner: psycopg.Connection, worker_id: str, groups: Any) -> None:
    owner.execute(
        "INSERT INTO jobs_worker (id, host, pid, queue_groups, version, started_at, seen_at)"
        " VALUES (%s, 'host', 1, %s, '', now(), now())",
        [worker_id, json.dumps(list(groups))],
    )


def _not_up(answered: Any) -> list[str]:
    parts = answered.json()["parts"]
    return [name for name, part in parts.items() if part["status"] != "up"]
