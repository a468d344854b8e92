"""Looking at the line in Redis."""

from jobs.broker import MessageKey, keys
from jobs.broker.queues import Queues
from jobs.ledger.publish import InLine, queues
from jobs.ledger.transitions import JobRef
from tests.factories.jobs import row


def in_line(ref: JobRef, group: str = "backfill") -> bool:
    """Whether Redis knows the job in any form."""
    return bool(queues().known(group, [(ref.organization_id, str(ref.job_id))]))


def message(ref: JobRef, group: str = "backfill") -> bytes:
    """What Redis has of a waiting job."""
    name = keys.messages(group, ref.organization_id)
    return queues()._client.hget(name, str(ref.job_id))


def lease_all(line: Queues, organization_id: int, group: str = "backfill") -> list[MessageKey]:
    """A worker takes what waits of an organization; returns all that it took, others' too."""
    taken: list[MessageKey] = []
    while line.depth(group, organization_id).waiting:
        taken += [one.key for one in line.fetch(group, "a-worker", 20).messages]
    return taken


def reference(ref: JobRef) -> InLine:
    """The job on its way into Redis."""
    job = row(ref)
    return InLine(
        organization_id=job.organization_id,
        job_id=job.pk,
        job_type=job.job_type,
        group=job.queue_group,
    )
