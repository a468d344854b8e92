"""Drills 3 and 9: PostgreSQL stops, crashes, has no connection left; Redis has no memory left."""

import contextlib
import signal

import psycopg
import pytest
from django.test import Client
from redis import Redis

from tests.chaos.load import Load
from tests.waiting import eventually


@pytest.fixture
def load(world_with_postgres):
    load = Load(world_with_postgres)
    load.organizations(3)
    return load


@pytest.fixture
def fleet(world_with_postgres):
    return world_with_postgres.fleet


@pytest.mark.drill("3", "PostgreSQL stopped three times")
def test_postgresql_stops_and_comes_back(fleet, load, live_postgres, chance, is_long, drill):
    jobs = 4_000 if is_long else 200
    running = [fleet.scheduler(), fleet.scheduler(), fleet.worker(), fleet.worker()]
    for worker in running[2:]:
        worker.wait_until_up()

    with load.feeding(jobs):
        for how in (signal.SIGINT, signal.SIGQUIT, signal.SIGKILL):
            load.let_pass(chance.randrange(jobs // 4), most=jobs * 3 // 4)
            live_postgres.end(how)
            live_postgres.start()

    count = load.count()
    assert [one.process.poll() for one in running] == [None] * 4, "a process did not survive"
    drill.says(f"stopped, shut down at once, killed: {count}")


@pytest.mark.drill("9", "no memory, no connections")
def test_servers_that_are_full(world_with_postgres, fleet, load, live_postgres, is_long, drill):
    jobs = 2_000 if is_long else 200
    fleet.scheduler()
    worker = fleet.worker()
    worker.wait_until_up()

    with Redis.from_url(world_with_postgres.valkey.url) as redis:
        fill(redis)
        with load.feeding(jobs):
            eventually(lambda: unpublished(world_with_postgres) >= jobs // 10, within=120)
            # Workers make a little room now and then.
            eventually(lambda: fill(redis) or "redis" in down())
            redis.config_set("maxmemory", 0)
    load.oracle.wait_for_the_end()

    with load.feeding(jobs):
        hogs = take_all_connections(live_postgres)
        eventually(lambda: worker.has_logged("job_postponed"), within=120)
        # One that a process gave up may have been had by another one meanwhile.
        eventually(lambda: "database" in down() or hogs.extend(take_all_connections(live_postgres)))
        for hog in hogs:
            hog.close()

    drill.says(f"Redis full, no connection left (no object store yet): {load.count()}")


def fill(redis) -> None:
    redis.config_set("maxmemory", redis.info("memory")["used_memory"] - 1)


def unpublished(world) -> int:
    [[count]] = world.ask(
        "SELECT count(*) FROM jobs_job WHERE state = 'queued' AND published_at IS NULL"
    )
    return count


def down() -> set[str]:
    """What /readyz says is down."""
    answer = Client().get("/readyz")
    found = {name for name, part in answer.json()["parts"].items() if part["status"] == "down"}
    assert answer.status_code == (503 if found else 200), answer.content
    return found


def take_all_connections(live_postgres) -> list[psycopg.Connection]:
    """Those of the workers too, which are ended for it."""
    hogs = []
    with psycopg.connect(live_postgres.url("postgres"), autocommit=True) as superuser:
        for _ in range(3):
            superuser.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'app'"
                " AND NOT pid = ANY (%s)",
                [[hog.info.backend_pid for hog in hogs]],
            )
            with contextlib.suppress(psycopg.OperationalError):  # no more to be had
                while True:
                    hogs.append(psycopg.connect(live_postgres.url("app")))
    return hogs
