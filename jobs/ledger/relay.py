"""What keeps Redis in step with the ledger: publish what is due, sweep up what was lost, recover.

All of it runs as the engine, from the scheduler, and is safe to run twice at once.
"""

import uuid
from collections import defaultdict
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import structlog
from django.db import connection, transaction

from jobs.broker.messages import MessageKey
from jobs.ledger import control_copy
from jobs.ledger.holds import end_holds
from jobs.ledger.publish import InLine, confirm, put_in_line, queues
from jobs.ledger.statements import run
from tenancy.scope import engine_scope

log = structlog.get_logger(__name__)

PATIENCE = timedelta(seconds=1)  # that a transaction gets to publish what it wrote by itself
OVERDUE = timedelta(minutes=1)  # after which a due job should have been seen by a worker
BATCH = 500
RECOVERY_LOCK = 0x6A6F6273  # "jobs", of PostgreSQL's advisory locks


def publish_due() -> int:
    """Publish one batch: scheduled jobs whose time has come, and what a crash left unpublished.

    Returns how many. Raises BrokerUnavailable, and then has moved nothing.
    """
    with engine_scope(), transaction.atomic():
        end_holds(BATCH)
        jobs = [_in_line(row) for row in run("publish", {"limit": BATCH, "patience": PATIENCE})]
        if jobs:
            put_in_line(jobs)
            confirm(jobs)
        return len(jobs)


def sweep() -> int:
    """Put back due jobs whose messages Redis lost on the way; returns how many.

    For a Redis that came back from an old snapshot, with an epoch but without the latest messages.
    """
    back = sum(put_in_line(jobs) for jobs in lost())
    if back:
        log.warning("jobs_swept_back", jobs=back)
    return back


def lost() -> Iterator[list[InLine]]:
    """Jobs that have been due for a while and whose messages Redis does not have, in pages."""
    for page in _pages(overdue=OVERDUE):
        if unknown := _unknown_to_redis(page):
            yield unknown


def recover() -> bool:
    """Fill a Redis that lost its data, then open its epoch; False when there was nothing to do.

    One process at a time, by an advisory lock. Killed in the middle, the next one begins anew: no
    script works without an epoch but this enqueueing, and that leaves alone what is there already.
    """
    if queues().epoch() is not None:
        return False
    with engine_scope(), transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [RECOVERY_LOCK])
            [locked] = cursor.fetchone() or [False]
        if not locked or queues().epoch() is not None:
            return False
        control_copy.restore()  # before its jobs, so that what was paused starts nothing
        jobs = 0
        for page in _pages(overdue=None):
            put_in_line(page, recovering=True)
            confirm(page)
            jobs += len(page)
        queues().open_epoch()
    tell_of_recovery(jobs)
    return True


def tell_of_recovery(jobs: int) -> None:
    """Warn that Redis had lost jobs; with nothing to lose it is most likely a first start."""
    if jobs:
        log.warning("jobs_recovered", jobs=jobs)
    else:
        log.info("jobs_redis_opened")


def _pages(*, overdue: timedelta | None) -> Iterator[list[InLine]]:
    after = uuid.UUID(int=0)
    while True:
        with engine_scope(), transaction.atomic():
            rows = run("in_line", {"after": after, "limit": BATCH, "overdue": overdue})
        if not rows:
            return
        yield [_in_line(row) for row in rows]
        after = rows[-1]["id"]


def _unknown_to_redis(jobs: list[InLine]) -> list[InLine]:
    by_group: dict[str, dict[MessageKey, InLine]] = defaultdict(dict)
    for job in jobs:
        by_group[job.group][MessageKey(job.organization_id, str(job.job_id))] = job
    return [
        of_group[key]
        for group, of_group in by_group.items()
        for key in of_group.keys() - queues().known(group, of_group)
    ]


def _in_line(row: dict[str, Any]) -> InLine:
    return InLine(
        organization_id=row["organization_id"],
        job_id=row["id"],
        job_type=row["job_type"],
        group=row["queue_group"],
        delay=timedelta(seconds=row.get("delay_seconds") or 0),
    )
