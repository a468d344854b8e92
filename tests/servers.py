"""The servers of the tests, as a pytest plugin.

One PostgreSQL for the whole run, on a temporary folder, with fsync off; in it one template that is
migrated once, and one clone of it per test process. One Valkey per test process. All of them end
with the process that started them, whatever ends that one, and none of them knows anything of the
servers of `make run`. TEST_DATABASE_URL (role `app`, and TEST_DATABASE_OWNER_URL) and
TEST_REDIS_URL name other servers, where databases of this run are made and removed again.

Loaded with `-p tests.servers`, before pytest-django reads the settings: they find the addresses in
the environment, and so does every process that a test starts.
"""

import logging
import os
import subprocess
import sys
import time
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import sql

from jobsite import addresses
from jobsite.embedded import postgres, process, valkey
from jobsite.embedded.places import Places
from jobsite.embedded.process import Server
from jobsite.embedded.requirements import postgres_complaint, redis_complaint
from tests.ground import Ground

ROOT = Path(__file__).resolve().parent.parent
DROP_SECONDS = 30.0
WORKER = os.environ.get("PYTEST_XDIST_WORKER", "main")

# What a shell may have set for `make run`, and what the tests must not follow.
FOREIGN = (
    "ALLOWED_HOSTS",
    "AUDIT_KEY_FILE",
    "AUDIT_LOG_NAME",
    "BEHIND_PROXY",
    "DEBUG",
    "EMAIL_FROM",
    "EMAIL_URL",
    "MAIL_IMAGE_HOSTS",
    "OBJECT_STORE_URL",
    "PORT",
    "PROCESS",
    "PUBLIC_URL",
    "SEARCH_URL",
)


class TestServers:
    """The servers as one test process sees them; started when the first test asks."""

    __test__ = False

    def __init__(self) -> None:
        self.ground = Ground.of_this_run()
        self.postgres_places = Places(
            data=self.ground.folder / "postgres", sockets=self.ground.folder / "s"
        )
        home = self.ground.folder / WORKER
        self.valkey_places = Places(data=home, sockets=home)
        self.database = f"test_{self.ground.run}_{WORKER}"
        self.template = f"test_{self.ground.run}_template"
        self._postgres: Server | None = None
        self._valkey: Server | None = None
        self._redis_is_ours = False

    # -- addresses ----------------------------------------------------------------------------

    def database_url(self, role: str, database: str | None = None) -> str:
        """The address of a database of this run, by default this process's own clone."""
        name = database or self.database
        app = os.environ.get("TEST_DATABASE_URL")
        if not app:
            return self.postgres_places.database_url(role, name)
        url = app
        if role == "owner":
            url = os.environ.get("TEST_DATABASE_OWNER_URL") or addresses.as_role(app, "owner")
        return addresses.with_name(url, name)

    @property
    def maintenance_url(self) -> str:
        """Where `owner` connects to make and drop databases."""
        external = os.environ.get("TEST_DATABASE_URL")
        return self.database_url("owner", addresses.name_of(external) if external else "postgres")

    @property
    def redis_url(self) -> str:
        external = os.environ.get("TEST_REDIS_URL")
        if not external:
            return self.valkey_places.redis_url
        number = 0 if WORKER == "main" else int(WORKER.removeprefix("gw"))
        return addresses.redis_database(external, number)

    def export(self) -> None:
        for name in FOREIGN:
            os.environ.pop(name, None)
        os.environ.update(
            DATABASE_URL=self.database_url("app"),
            DATABASE_OWNER_URL=self.database_url("owner"),
            REDIS_URL=self.redis_url,
            DATA_DIR=str(self.ground.folder / WORKER),
            SECRET_KEY="of the tests",
            LOG_FORMAT="json",
        )

    # -- PostgreSQL ---------------------------------------------------------------------------

    def start_postgres(self) -> None:
        """By the first process of the run only: the workers of xdist share it."""
        if self._postgres or not self.ground.mine or os.environ.get("TEST_DATABASE_URL"):
            return
        # Durability is what the tests of crashes start servers of their own for.
        options = ["-c", "fsync=off", "-c", "full_page_writes=off", "-c", "synchronous_commit=off"]
        self._postgres = postgres.start(self.postgres_places, options=options)

    def make_database(self) -> None:
        """This process's database, cloned from the template that the first one migrates."""
        self.start_postgres()
        with process.locked(self.ground.folder / "template.lock", patience_seconds=300):
            migrated = self.ground.folder / "template.migrated"
            if not migrated.exists():
                self._make_template()
                migrated.touch()
        self._execute(
            "CREATE DATABASE {} TEMPLATE {} STRATEGY WAL_LOG", self.database, self.template
        )

    def drop_database(self) -> None:
        """Of a process that has ended, for the next one of this name."""
        self._drop(self.database)

    def _make_template(self) -> None:
        if complaint := postgres_complaint(self.maintenance_url):
            raise pytest.UsageError(complaint)
        self._execute("CREATE DATABASE {}", self.template)
        done = subprocess.run(
            [sys.executable, "manage.py", "migrate", "--verbosity=0"],
            cwd=ROOT,
            env=os.environ
            | {
                "DATABASE_URL": self.database_url("app", self.template),
                "DATABASE_OWNER_URL": self.database_url("owner", self.template),
            },
            check=False,
            capture_output=True,
            text=True,
        )
        if done.returncode:
            self._execute("DROP DATABASE {} WITH (FORCE)", self.template)
            pytest.exit(f"The test database could not be migrated:\n{done.stdout}{done.stderr}", 3)

    @contextmanager
    def spare_database(self, name: str) -> Iterator[str]:
        """A throw-away clone of the template, for tests that tamper with it. Gives its name."""
        spare = f"{self.database}_{name}"
        self._execute("CREATE DATABASE {} TEMPLATE {} STRATEGY WAL_LOG", spare, self.template)
        try:
            yield spare
        finally:
            self._drop(spare)

    def _drop(self, name: str) -> None:
        """Not while autovacuum, which only a superuser may end, looks into it."""
        deadline = time.monotonic() + DROP_SECONDS
        while True:
            try:
                self._execute("DROP DATABASE IF EXISTS {} WITH (FORCE)", name)
            except psycopg.errors.InsufficientPrivilege:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.1)
            else:
                return

    def _execute(self, statement: str, *names: str) -> None:
        with psycopg.connect(self.maintenance_url, autocommit=True) as connection:
            connection.execute(sql.SQL(statement).format(*map(sql.Identifier, names)))

    def _drop_databases(self) -> None:
        with psycopg.connect(self.maintenance_url, autocommit=True) as connection:
            found = connection.execute(
                "SELECT datname FROM pg_database WHERE datname LIKE %s",
                [f"test\\_{self.ground.run}\\_%"],
            ).fetchall()
        for (name,) in found:
            self._drop(name)

    # -- Valkey -------------------------------------------------------------------------------

    def start_redis(self) -> None:
        if self._valkey or self._redis_is_ours:
            return
        if os.environ.get("TEST_REDIS_URL"):
            if complaint := redis_complaint(self.redis_url, must_be_empty=True):
                raise pytest.UsageError(complaint)
            self._redis_is_ours = True
        else:
            self._valkey = valkey.start(self.valkey_places, persistent=False)

    # -- the end ------------------------------------------------------------------------------

    def stop(self) -> None:
        if self._valkey:
            self._valkey.stop()
        if self._redis_is_ours:
            import redis

            with redis.Redis.from_url(self.redis_url) as client:
                client.flushdb()
        if self._postgres:
            self._postgres.stop()
        elif self.ground.mine and (self.ground.folder / "template.migrated").exists():
            self._drop_databases()
        if self.ground.mine:
            self.ground.remove()


servers: TestServers | None = None


def current() -> TestServers:
    assert servers is not None, "pytest was started without `-p tests.servers`"
    return servers


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_load_initial_conftests() -> Generator[None, Any, Any]:
    # A wrapper, because it runs before pytest-django's own, which reads the settings.
    global servers  # one per process, like the environment it is made from
    servers = TestServers()
    servers.export()
    return (yield)


@pytest.hookimpl(trylast=True)
def pytest_configure(config: pytest.Config) -> None:
    if config.getoption("dist", "no") != "no" and not config.option.collectonly:
        current().start_postgres()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Escape what is no text in captured output: xdist ends the run over one such byte."""
    report = yield
    report.sections = [
        (name, content.encode(errors="backslashreplace").decode())
        for name, content in report.sections
    ]
    return report


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_unconfigure() -> Generator[None, None, None]:
    # Around all others: pytest's own raises here for what was left open, and ends the row.
    try:
        yield
    finally:
        # The stream of the log lines is closed; threads that still end have nobody to tell.
        logging.raiseExceptions = False
        if servers is not None:
            servers.stop()
