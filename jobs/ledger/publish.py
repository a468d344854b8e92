"""Put jobs in line in Redis, and note that they are there. Ledger first, Redis second, always."""

import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

import dramatiq
import structlog

from jobs.broker.broker import GroupBroker
from jobs.broker.errors import BrokerUnavailable
from jobs.broker.messages import Entry
from jobs.broker.queues import Queues
from jobs.ledger.statements import run

log = structlog.get_logger(__name__)


@dataclass(frozen=True, kw_only=True)
class InLine:
    """A job on its way into Redis."""

    organization_id: int
    job_id: uuid.UUID
    job_type: str
    group: str
    delay: timedelta = timedelta(0)


def queues() -> Queues:
    """The queues of this process's broker."""
    broker = dramatiq.get_broker()
    if not isinstance(broker, GroupBroker):
        raise TypeError(f"DRAMATIQ_BROKER must name jobs.broker.broker.GroupBroker, not {broker}")
    return broker.backend


def publish(jobs: Sequence[InLine]) -> bool:
    """Put jobs in line, after the transaction that wrote them; False when Redis would not take
    them.

    That they are there is not noted here: a worker's claim does it, and for those that wait longer
    than a second the relay, many in one statement. It puts them in line once more, which changes
    nothing: Redis knows a message by its id, or the claim finds the job finished.
    """
    try:
        put_in_line(jobs)
    except BrokerUnavailable as error:
        log.warning("jobs_publish_deferred", jobs=len(jobs), error=str(error))
        return False
    return True


def put_in_line(jobs: Sequence[InLine], *, recovering: bool = False) -> int:
    """Give messages to Redis; those it has are left alone. Raises BrokerUnavailable."""
    entries = [
        Entry(
            organization_id=job.organization_id,
            group=job.group,
            message_id=str(job.job_id),
            body=_message(job),
            kind=job.job_type,
            delay=job.delay,
        )
        for job in jobs
    ]
    return queues().enqueue(entries, recovering=recovering)


def confirm(jobs: Sequence[InLine]) -> None:
    """Note that Redis has these messages; in the engine's scope and a transaction."""
    run("confirm", {"job_ids": [job.job_id for job in jobs]})


def _message(job: InLine) -> bytes:
    """A reference to the job: everything else is read from the ledger when it is claimed."""
    # As dramatiq's own encoder writes it, which takes eight times as long; nothing in it needs
    # quoting: groups, job types and ids are letters, digits and `._-`.
    return (
        f'{{"queue_name":"{job.group}","actor_name":"{job.job_type}","args":[],"kwargs":{{}},'
        f'"options":{{}},"message_id":"{job.job_id}","message_timestamp":{_now_ms()}}}'
    ).encode()


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
