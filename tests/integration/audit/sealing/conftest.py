"""A connection that may do anything and keeps nothing, and a log of an organization of its own."""

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from audit.sealing import keys
from tests import servers
from tests.factories.audit import Log


@pytest.fixture(scope="session")
def signing(tmp_path_factory: pytest.TempPathFactory) -> keys.Keys:
    path: Path = tmp_path_factory.mktemp("audit") / "key.pem"
    keys.make(path)
    return keys.read(path, "example.com/audit")


@pytest.fixture
def superuser(django_db_setup: None) -> Iterator[psycopg.Connection]:
    with psycopg.connect(servers.current().database_url("postgres")) as connection:
        yield connection
        connection.rollback()


@pytest.fixture
def log(superuser: psycopg.Connection, signing: keys.Keys) -> Log:
    return Log(connection=superuser, keys=signing)
