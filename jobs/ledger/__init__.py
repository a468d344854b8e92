"""The ledger: every job, in PostgreSQL; all that a product developer imports is here.

    with transaction.atomic():
        changes.update(mission, state="completed")
        enqueue(index_mission, IndexMission(mission_id=mission.pk), organization_id=…, entity=…)

If the transaction commits the job will run; if it rolls back there is no job. PostgreSQL is
authoritative: Redis may lose everything without losing a job. The ledger trusts no message: a job
is claimed under a fence that rises at every claim, and whoever settles it under an older one is
refused. What a job does is not known here.
"""

from jobs.ledger.enqueue import Enqueued, EnqueuedMany, NewJob, enqueue, enqueue_many

__all__ = ["Enqueued", "EnqueuedMany", "NewJob", "enqueue", "enqueue_many"]
