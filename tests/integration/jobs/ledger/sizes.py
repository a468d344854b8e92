"""Clones of the database whose ledger has the statistics of a given size.

What PostgreSQL plans hangs on its statistics, and in the database of the other tests those are what
they happened to leave. In a clone they are what is said here, and nothing changes them.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import psycopg
from psycopg import sql

from tests import servers

type Size = Callable[[psycopg.Connection], None]

BIG = ["jobs_job", "jobs_attempt", "jobs_deadletter", "jobs_idempotencykey"]
SAMPLE, TEN_MILLION = 5_000, 10_000_000

# A month of fifty organizations: of a hundred jobs six have not succeeded.
FILL = """
    INSERT INTO tenancy_organization (id, name, slug, state, time_zone, locale)
    OVERRIDING SYSTEM VALUE
    SELECT n, n, n, 'active', 'UTC', 'en' FROM generate_series(1, 50) n;

    INSERT INTO jobs_job (
        organization_id, id, job_type, queue_group, payload, entity_type, entity_id,
        correlation_id, actor_id, state, hold, breaker_id, reason, fence, attempt, max_attempts,
        losses, policy_version, worker_id, created_at, run_at, published_at, claimed_at,
        finished_at, effect_id, effect_state, error_class, error_message
    )
    SELECT
        1 + n / 7 %% 50, uuidv7(-age), 'type ' || n %% 9, 'group ' || n %% 4, '{}', 'thing', n,
        n, 'somebody', state, hold, CASE hold WHEN 'breaker' THEN 1 END, '', 1, 1, 3,
        0, 'v', 'worker ' || n %% 20, at, at, CASE WHEN lot > 0 THEN at END, at,
        CASE WHEN state IN ('succeeded', 'dead', 'cancelled') THEN at END, '', 'not_begun', '', ''
    FROM generate_series(1, %(jobs)s) n
    CROSS JOIN LATERAL (
        SELECT n %% 1000 AS lot, interval '30 days' * (1 - n / %(jobs)s::float) AS age
    ) spread
    CROSS JOIN LATERAL (
        SELECT now() - age AS at, coalesce((ARRAY[
            'queued', 'retrying', 'running', 'scheduled', 'dead', 'cancelled'
        ])[1 + lot / 10], 'succeeded') AS state, CASE
            WHEN lot BETWEEN 30 AND 33 THEN 'capacity' WHEN lot BETWEEN 34 AND 36 THEN 'breaker'
        END AS hold
    ) made;

    INSERT INTO jobs_attempt (
        organization_id, job_id, number, fence, worker_id, started_at, ended_at, outcome,
        error_class, error_message, error_frame, traceback, traceback_digest
    )
    SELECT organization_id, id, 1, 1, worker_id, created_at, finished_at,
        CASE state WHEN 'succeeded' THEN 'succeeded' WHEN 'dead' THEN 'lost' ELSE '' END,
        '', '', '', '', ''
    FROM jobs_job;

    INSERT INTO jobs_idempotencykey (organization_id, key, job_id, created_at)
    SELECT organization_id, uuid_send(id), id, created_at FROM jobs_job;

    INSERT INTO jobs_deadletter (
        organization_id, job_id, job_type, queue_group, reason, error_class, error_message,
        error_frame, attempt, worker_id, first_failed_at, fingerprint, state, handled_at,
        handled_by, handled_reason
    )
    SELECT organization_id, id, job_type, queue_group, 'permanent', '', '', '', 1, worker_id,
        created_at, 'fingerprint ' || entity_id::int %% 30,
        CASE state WHEN 'dead' THEN 'open' WHEN 'cancelled' THEN 'discarded' ELSE 'replayed' END,
        CASE WHEN state <> 'dead' THEN created_at END, '', ''
    FROM jobs_job
"""


def never_analyzed(_owner: psycopg.Connection) -> None:
    """As the migration leaves it."""


def empty(owner: psycopg.Connection) -> None:
    owner.execute("ANALYZE")


def five_jobs(owner: psycopg.Connection) -> None:
    _fill(owner, 5)


def five_thousand_jobs(owner: psycopg.Connection) -> None:
    _fill(owner, SAMPLE)


def ten_million_jobs(owner: psycopg.Connection) -> None:
    """A sample, on whose few pages PostgreSQL believes as many rows as ten million jobs have."""
    _fill(owner, SAMPLE)
    owner.execute(
        "SELECT pg_restore_relation_stats('schemaname', 'public', 'relname', c.relname::text,"
        " 'relpages', c.relpages, 'reltuples', (c.reltuples * %s)::real) FROM pg_class c"
        " LEFT JOIN pg_index i ON i.indexrelid = c.oid"
        " WHERE coalesce(i.indrelid, c.oid) = ANY (%s::regclass[])",
        [TEN_MILLION // SAMPLE, BIG],
    )


SIZES = [never_analyzed, empty, five_jobs, five_thousand_jobs, ten_million_jobs]


def _fill(owner: psycopg.Connection, jobs: int) -> None:
    psycopg.ClientCursor(owner).execute(FILL, {"jobs": jobs})
    owner.execute("ANALYZE")


@contextmanager
def ledger_of(size: Size) -> Iterator[str]:
    """A clone with the statistics of this size; gives its name."""
    with servers.current().spare_database(size.__name__) as name:
        url = servers.current().database_url("owner", name)
        with psycopg.connect(url, autocommit=True) as owner:
            for table in map(sql.Identifier, BIG):
                quiet = sql.SQL("ALTER TABLE {} SET (autovacuum_enabled = off)")
                owner.execute(quiet.format(table))
            size(owner)
        yield name
