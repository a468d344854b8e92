"""Fixtures for every test. The servers behind them are in tests/servers.py.

The suite runs as the role `app`, as production does. Nothing is flushed or truncated: a test that
commits (`django_db(transaction=True)`) makes its own organizations and asserts only on them.
"""

import threading
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import pytest
from django.conf import settings
from django.db import connections

from jobsite.embedded import valkey
from jobsite.embedded.places import Places
from tenancy import clock
from tests import servers

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page
    from pytest_django import DjangoDbBlocker


def pytest_configure() -> None:
    # Hashing a password the real way takes a third of a second, at every sign-in.
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    # The browser tests leave an event loop running in this thread, and Django's own storage would
    # then give each context a connection of its own, which nobody closes.
    connections._connections = threading.local()


@pytest.fixture(scope="session")
def django_db_setup(django_db_blocker: "DjangoDbBlocker", redis_url: str) -> Iterator[None]:
    """pytest-django's own would create and migrate a database for each process."""
    servers.current().make_database()
    for alias in connections:
        # Django leaves mirrors out when it flushes after a test that commits.
        connections[alias].settings_dict["TEST"]["MIRROR"] = "none"
    with django_db_blocker.unblock():
        clock.now()  # asked now, it is no extra query in a test that counts them
        connections.close_all()
    yield
    with django_db_blocker.unblock():
        connections.close_all()


@pytest.fixture(scope="session")
def redis_url() -> str:
    """The Valkey of this test process: running, shared by its tests, empty at the beginning."""
    servers.current().start_redis()
    return settings.REDIS_URL


class LiveValkey:
    """A Valkey of one test's own, to be killed, stopped and started again."""

    def __init__(self, places: Places, *, persistent: bool) -> None:
        self.places, self.persistent = places, persistent
        self.url = places.redis_url
        self.start()

    def start(self) -> None:
        self.server = valkey.start(self.places, persistent=self.persistent)

    def stop(self) -> None:
        self.server.stop()

    def kill(self) -> None:
        self.server.process.kill()
        self.server.process.wait()


@pytest.fixture
def live_valkey() -> Iterator[LiveValkey]:
    """Keeps nothing over a restart."""
    with TemporaryDirectory(prefix="valkey-", dir="/tmp") as folder:
        live = LiveValkey(Places(data=Path(folder), sockets=Path(folder)), persistent=False)
        yield live
        live.stop()


@pytest.fixture
def spare_database(django_db_setup: None) -> Iterator[str]:
    """The name of a throw-away clone; `servers.current().database_url(role, name)` leads there."""
    with servers.current().spare_database("spare") as name:
        yield name


@pytest.fixture(scope="session")
def s3_endpoint() -> Iterator[str]:
    """A real S3 of this test process; its credentials are in the environment while it runs."""
    from tests import seaweed

    with seaweed.running() as endpoint, pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ACCESS_KEY_ID", seaweed.KEY)
        patch.setenv("AWS_SECRET_ACCESS_KEY", seaweed.SECRET)
        seaweed.make_bucket(endpoint, "tests")
        yield endpoint


@pytest.fixture(scope="session")
def browser() -> "Iterator[Browser]":
    """The system's Chromium, headless."""
    from tests.chromium import launched

    with launched() as browser:
        yield browser


@pytest.fixture
def page(browser: "Browser") -> "Iterator[Page]":
    """A page of its own: no cookie and no storage of another test."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    yield context.new_page()
    context.close()
