"""What a drill gets: a world of its own, load for it, chance, and its size."""

import os
import random
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from pytest_django import Settings
from redis import Redis

from jobs.ledger import relay
from tests import servers
from tests.chaos.fleet import Fleet
from tests.chaos.load import Load
from tests.chaos.receivers import Receivers
from tests.chaos.report import PROPERTY, SEED, Drill
from tests.chaos.world import LivePostgres, World
from tests.conftest import LiveValkey


@pytest.fixture
def world(
    spare_database: str,
    live_valkey: LiveValkey,
    transactional_db: None,
    settings: Settings,
    tmp_path: Path,
) -> Iterator[World]:
    """On a clone of the database."""
    app, owner = (servers.current().database_url(role, spare_database) for role in ("app", "owner"))
    yield from _world(app, owner, owner, live_valkey, settings, tmp_path)


@pytest.fixture
def live_postgres() -> Iterator[LivePostgres]:
    with TemporaryDirectory(prefix="drill-", dir="/tmp") as folder:  # short, for the socket
        live = LivePostgres(Path(folder))
        yield live
        live.server.stop()


@pytest.fixture
def world_with_postgres(
    live_postgres: LivePostgres,
    live_valkey: LiveValkey,
    transactional_db: None,
    settings: Settings,
    tmp_path: Path,
) -> Iterator[World]:
    """On a PostgreSQL of its own, to be stopped and started."""
    # The superuser has connections reserved for it, which the oracle needs when all are taken.
    app, owner, oracle = (live_postgres.url(role) for role in ("app", "owner", "postgres"))
    yield from _world(app, owner, oracle, live_valkey, settings, tmp_path)


def _world(
    database: str,
    owner: str,
    oracle: str,
    valkey: LiveValkey,
    settings: Settings,
    folder: Path,
) -> Iterator[World]:
    settings.DATABASE_URL, settings.REDIS_URL = database, valkey.url
    with Receivers() as receivers:
        settings.WEBHOOK_ALLOW_HTTP, settings.WEBHOOK_ALLOWED_HOSTS = True, ["127.0.0.1"]
        settings.WEBHOOK_ALLOWED_PORTS = [receivers.web_port]
        world = World(
            database=database,
            owner=owner,
            oracle=oracle,
            valkey=valkey,
            receivers=receivers,
            folder=folder,
        )
        with world.around_us():
            relay.recover()
            yield world
        world.close()
        print(world.fleet.logs())  # shown where the test failed


@pytest.fixture
def fleet(world: World) -> Fleet:
    return world.fleet


@pytest.fixture
def load(world: World) -> Load:
    """Nothing yet, for three organizations."""
    load = Load(world)
    load.organizations(3)
    return load


@pytest.fixture
def redis(world: World) -> Iterator[Redis]:
    with Redis.from_url(world.valkey.url) as client:
        yield client


@pytest.fixture
def chance(request: pytest.FixtureRequest) -> random.Random:
    """The same at each run of this drill; `SEED=…` tries another."""
    return random.Random(f"{SEED} {request.node.name}")


@pytest.fixture
def is_long() -> bool:
    """Whether a drill has its full size, as in `make chaos`, or the one of `make test`."""
    return os.environ.get("DRILLS") == "long"


@pytest.fixture
def drill(request: pytest.FixtureRequest) -> Drill:
    """Where a drill says what it counted."""
    number, name = request.node.get_closest_marker("drill").args
    drill = Drill()
    request.node.user_properties.append((PROPERTY, [f"{number:>2} {name}", drill.said]))
    return drill
