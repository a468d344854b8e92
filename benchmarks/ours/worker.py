"""The product's own worker and driver, as the benchmarks start them."""

import sys
from typing import Any, LiteralString

from psycopg import Connection, sql

from benchmarks.ground import Ground

SETTINGS = {"DJANGO_SETTINGS_MODULE": "benchmarks.ours.settings"}
GROUPS = ("notifications", "indexing", "backfill", "audit")

# A finished job is copied with its attempt, whatever columns they have by now.
_COLUMNS = """
    SELECT attname FROM pg_attribute
     WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped AND attgenerated = ''
"""
_PATTERN = """
    CREATE TEMPORARY TABLE pattern AS
    SELECT job.id AS job, attempt.id AS attempt
      FROM jobs_job AS job JOIN jobs_attempt AS attempt ON attempt.job_id = job.id
     WHERE job.state = 'succeeded' LIMIT 1
"""
_NEW_IDS = """
    CREATE TEMPORARY TABLE copies AS
    SELECT uuidv7(interval '-2 days') AS id FROM generate_series(1, %s)
"""
_COPY = """
    INSERT INTO {table} ({columns})
    SELECT {values} FROM {table} AS old JOIN pattern ON old.id = pattern.{one} CROSS JOIN copies
"""


def command(*groups: str) -> list[str]:
    """One worker process of eight threads, as an operator starts it."""
    threads = ["--processes", "1", "--threads", "8"]
    return [sys.executable, "manage.py", "rundramatiq", *threads, "--queues", *groups]


class Ours:
    """Our tables, migrated, and jobs in them."""

    def __init__(self, ground: Ground, *, organizations: int = 1000) -> None:
        self.ground = ground
        self.organizations = organizations
        ground.tool(sys.executable, "manage.py", "migrate", "--verbosity=0", **SETTINGS)

    def seed(self) -> None:
        """Organizations, with what their jobs change, and with statistics of them.

        Autovacuum makes these within a minute of such a change, and a drain is over before.
        """
        self._drive("seed", self.organizations)
        with self.ground.superuser() as connection:
            connection.execute("ANALYZE")

    def fill(self, job_type: str, jobs: int) -> None:
        """So many jobs in line, nothing else in Redis."""
        self.ground.flush()
        self._drive("fill", job_type, jobs)

    def drain(self, job_type: str, jobs: int) -> float:
        """Jobs a second of one worker, its start excluded."""
        self.fill(job_type, jobs)
        with self.ground.worker(*command("backfill"), **SETTINGS) as worker:
            return worker.drain(jobs).rate

    def enqueue(self, jobs: int, *, at_once: int) -> float:
        """Jobs enqueued a second, so many in a transaction, publishing included."""
        self.ground.flush()
        rate = float(self._drive("enqueue", "no_effect", jobs, at_once))
        self._drive("drop")
        return rate

    def grow(self, rows: int) -> None:
        """Finished jobs, with their attempts, until there are so many."""
        with self.ground.superuser() as connection:
            [there] = connection.execute("SELECT count(*) FROM jobs_job").fetchone() or [0]
            connection.execute("SET session_replication_role = replica")  # no key checks: copies
            connection.execute(_PATTERN)
            connection.execute(_NEW_IDS, [max(rows - there, 0)])
            _copy(connection, "jobs_job", "job", id="copies.id", correlation_id="uuidv4()")
            number = "nextval(pg_get_serial_sequence('jobs_attempt', 'id'))"
            _copy(connection, "jobs_attempt", "attempt", id=number, job_id="copies.id")
            connection.execute("VACUUM ANALYZE jobs_job")
            connection.execute("VACUUM ANALYZE jobs_attempt")

    def _drive(self, *arguments: object) -> Any:
        module = [sys.executable, "-m", "benchmarks.ours.drive"]
        return self.ground.tool(*module, *map(str, arguments), **SETTINGS)


def _copy(connection: Connection[Any], table: str, one: str, **new: LiteralString) -> None:
    columns = [name for (name,) in connection.execute(_COLUMNS, [table])]
    values = [
        sql.SQL(new[name]) if name in new else sql.Identifier("old", name) for name in columns
    ]
    connection.execute(
        sql.SQL(_COPY).format(
            table=sql.Identifier(table),
            columns=sql.SQL(", ").join(map(sql.Identifier, columns)),
            values=sql.SQL(", ").join(values),
            one=sql.Identifier(one),
        )
    )
