"""Put jobs in line in Redis, and note that they are there. Ledger first, Redis second, always."""

import uuid
from array import array
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

import dramatiq
import structlog

from jobs.broker.broker import GroupBroker
from jobs.broker.errors import BrokerUnavailable
from jobs.broker.messages import Entry
from jobs.broker.queues import Queues
from jobs.ledger import ids
from jobs.ledger.statements import run

STEP = 1_000
"""Jobs in one step of publishing."""

REFERENCE = b""
"""The body of a job's message: all but its id and type is read from the ledger at its claim."""

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
    return _publish([_entry(job) for job in jobs])


def put_in_line(jobs: Sequence[InLine], *, recovering: bool = False) -> int:
    """Give messages to Redis; those it has are left alone. Raises BrokerUnavailable."""
    return queues().enqueue([_entry(job) for job in jobs], recovering=recovering)


class Due:
    """New jobs of one type that go into Redis once they are committed, 24 bytes each until then."""

    def __init__(self, job_type: str, group: str) -> None:
        self._job_type = job_type
        self._group = group
        self._organization_ids = array("q")
        self._ids = bytearray()
        self.per_organization: Counter[int] = Counter()

    def __len__(self) -> int:
        return len(self._organization_ids)

    def add(self, organization_ids: Sequence[int], job_ids: bytes) -> None:
        """Their organizations and, 16 bytes for each, their ids."""
        self._organization_ids.extend(organization_ids)
        self._ids += job_ids
        self.per_organization.update(organization_ids)

    def publish(self) -> None:
        """Step by step; the relay does the rest when Redis cannot be told of one."""
        for first in range(0, len(self), STEP):
            entries = self._entries(slice(first, first + STEP))
            try:
                queues().announce(self._group, entries)
            except BrokerUnavailable as error:
                log.warning("jobs_publish_deferred", jobs=len(self) - first, error=str(error))
                return

    def _entries(self, step: slice) -> list[Entry]:
        of = self._organization_ids[step]
        job_ids = ids.as_texts(bytes(self._ids[ids.SIZE * step.start : ids.SIZE * step.stop]))
        return [
            Entry(
                organization_id=organization_id,
                group=self._group,
                message_id=job_id,
                body=REFERENCE,
                kind=self._job_type,
            )
            for organization_id, job_id in zip(of, job_ids, strict=True)
        ]


def confirm(jobs: Sequence[InLine]) -> None:
    """Note that Redis has these messages; in the engine's scope and a transaction."""
    run("confirm", {"job_ids": [job.job_id for job in jobs]})


def _publish(entries: Sequence[Entry]) -> bool:
    try:
        queues().enqueue(entries)
    except BrokerUnavailable as error:
        log.warning("jobs_publish_deferred", jobs=len(entries), error=str(error))
        return False
    return True


def _entry(job: InLine) -> Entry:
    return Entry(
        organization_id=job.organization_id,
        group=job.group,
        message_id=str(job.job_id),
        body=REFERENCE,
        kind=job.job_type,
        delay=job.delay,
    )
