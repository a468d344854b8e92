"""The product's own worker and driver, as the benchmarks start them."""

import sys
from typing import Any

from benchmarks.ground import Ground

SETTINGS = {"DJANGO_SETTINGS_MODULE": "benchmarks.ours.settings"}
GROUPS = ("notifications", "indexing", "backfill", "audit")

# A finished job is copied with all its columns, whatever they are by now.
_GROW = """
    WITH pattern AS (
        SELECT one_job, one_attempt
          FROM jobs_job AS one_job
          JOIN jobs_attempt AS one_attempt ON one_attempt.job_id = one_job.id
         WHERE one_job.state = 'succeeded' LIMIT 1
    ), jobs AS (
        INSERT INTO jobs_job
        SELECT (jsonb_populate_record(one_job, jsonb_build_object(
                    'id', uuidv7(interval '-2 days'), 'correlation_id', uuidv4()))).*
          FROM pattern, generate_series(1, %s)
        RETURNING id
    )
    INSERT INTO jobs_attempt
    SELECT (jsonb_populate_record(one_attempt, jsonb_build_object(
                'id', nextval(pg_get_serial_sequence('jobs_attempt', 'id')), 'job_id', jobs.id))).*
      FROM pattern, jobs
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
        """Organizations, with what their jobs change."""
        self._drive("seed", self.organizations)

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
            if rows > there:
                connection.execute(_GROW, [rows - there])
            connection.execute("VACUUM ANALYZE jobs_job")
            connection.execute("VACUUM ANALYZE jobs_attempt")

    def _drive(self, *arguments: object) -> Any:
        module = [sys.executable, "-m", "benchmarks.ours.drive"]
        return self.ground.tool(*module, *map(str, arguments), **SETTINGS)
