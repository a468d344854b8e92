"""The world of one drill: a database, a Valkey, receivers of mail and webhooks, and processes.

Nobody else is in it, so a drill may break it, and counts whole tables at its end. The schema
`drill` in its database is the drill's own: what jobs write there has no constraint to help them.
"""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import dramatiq
import psycopg
from django.db import connections

from jobs.broker.broker import GroupBroker
from jobs.broker.queues import Queues
from jobsite import addresses
from jobsite.embedded import postgres
from jobsite.embedded.places import Places
from tests import servers
from tests.chaos.fleet import Fleet
from tests.chaos.receivers import Receivers
from tests.conftest import LiveValkey

SCHEMA = """
    CREATE SCHEMA drill;
    -- One row for each effect of a job, written in the transaction that settles it.
    CREATE TABLE drill.effect (
        number bigint GENERATED ALWAYS AS IDENTITY, job text, fence bigint,
        at timestamptz DEFAULT clock_timestamp()
    );
    -- One row for each start of an attempt, committed on its own.
    CREATE TABLE drill.start (
        number bigint GENERATED ALWAYS AS IDENTITY, job text, fence bigint,
        organization bigint, at timestamptz DEFAULT clock_timestamp()
    );
    GRANT USAGE ON SCHEMA drill TO app;
    GRANT INSERT ON ALL TABLES IN SCHEMA drill TO app;
"""


class World:
    """The servers of one drill, and what it starts."""

    def __init__(
        self,
        *,
        database: str,
        owner: str,
        oracle: str,
        valkey: LiveValkey,
        receivers: Receivers,
        folder: Path,
    ) -> None:
        self.database, self.oracle = database, oracle
        self.valkey, self.receivers = valkey, receivers
        self.fleet = Fleet(
            folder,
            {
                "DATABASE_URL": database,
                "DATABASE_OWNER_URL": owner,
                "REDIS_URL": valkey.url,
                "EMAIL_URL": f"smtp://127.0.0.1:{receivers.smtp_port}",
                "WEBHOOK_ALLOW_HTTP": "true",
                "WEBHOOK_ALLOWED_HOSTS": "127.0.0.1",
                "WEBHOOK_ALLOWED_PORTS": str(receivers.web_port),
                "JOBS_RETRY_SCALE": "0.1",
            },
        )
        self.ask(SCHEMA)

    def ask(self, statement: str, *parameters: Any) -> list[tuple[Any, ...]]:
        """Plain SQL, as one who sees every row; the product's code has no part in it."""
        with psycopg.connect(self.oracle, autocommit=True) as connection:
            cursor = connection.execute(statement, parameters or None)  # type: ignore[arg-type]
            return cursor.fetchall() if cursor.description else []

    @contextmanager
    def around_us(self) -> Iterator[None]:
        """Let this process's Django and broker speak to the servers of this world."""
        broker = dramatiq.get_broker()
        assert isinstance(broker, GroupBroker)
        before, ours = broker.backend, dict(connections.settings["default"])
        there = addresses.database(self.database, engine=ours["ENGINE"])
        connections.close_all()
        connections.settings["default"].update(
            {name: there[name] for name in ("HOST", "NAME", "PORT", "USER", "PASSWORD")}
        )
        broker.backend = Queues(self.valkey.url, lease=before.lease)
        try:
            yield
        finally:
            broker.backend.close()
            broker.backend = before
            connections.close_all()
            connections.settings["default"].update(ours)

    def close(self) -> None:
        """End all processes, and what PostgreSQL still does for those that were killed."""
        self.fleet.end()
        with psycopg.connect(self.database, autocommit=True) as app:
            app.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'app'"
                " AND datname = current_database() AND pid <> pg_backend_pid()"
            )


class LivePostgres:
    """A PostgreSQL of one drill's own, migrated, that writes to disk as in production."""

    def __init__(self, folder: Path) -> None:
        folder.chmod(0o711)  # as root, PostgreSQL runs as another user and must pass through
        self.places = Places(data=folder / "data", sockets=folder / "s")
        self.start()
        self._migrate()

    def url(self, role: str) -> str:
        return self.places.database_url(role)

    def start(self) -> None:
        options = ["-c", "max_connections=40"]  # few, for the drill that takes them all
        self.server = postgres.start(self.places, options=options, patience_seconds=30)

    def end(self, how: int) -> None:
        """SIGINT: sessions are ended, data are written. SIGQUIT, SIGKILL: as in a crash."""
        self.server.process.send_signal(how)
        self.server.process.wait(60)

    def _migrate(self) -> None:
        subprocess.run(
            [sys.executable, "manage.py", "migrate", "--verbosity=0", "--skip-checks"],
            cwd=servers.ROOT,
            env=os.environ
            | {"DATABASE_URL": self.url("app"), "DATABASE_OWNER_URL": self.url("owner")},
            check=True,
        )
