"""Why is this job not running now? One sentence, with an estimate, for every job there is.

The ledger says whether it is due at all and what it is held by, the row of its queue what an
operator set, Redis where it stands in line.
"""

from jobs.explain import ledger, line
from jobs.explain.view import Cause, Explanation, View
from jobs.ledger.models import Job
from jobs.ledger.states import State

__all__ = ["Cause", "Explanation", "explain", "explain_queue"]


def explain(job: Job, *, to_operator: bool = True) -> Explanation:
    """Of one job, in the caller's scope; reads Redis once or twice.

    to_operator: whether workers and the names of operators may be told.
    """
    view = View(
        organization_id=job.organization_id,
        group=job.queue_group,
        job=job,
        to_operator=to_operator,
    )
    match State(job.state):
        case State.SCHEDULED if job.hold:
            return ledger.held(view)
        case State.SCHEDULED if job.run_at > view.now:
            return ledger.scheduled(view)
        case State.SCHEDULED | State.QUEUED | State.RETRYING:
            return line.first_of(line.IN_LINE, view) or line.next_in_line(view)
        case State.RUNNING:
            return ledger.running(view)
        case _:
            return ledger.final(view)


def explain_queue(organization_id: int, group: str) -> Explanation | None:
    """Why nothing of this queue starts; None when it may. For operators."""
    view = View(organization_id=organization_id, group=group, job=None, to_operator=True)
    return line.first_of(line.OF_QUEUE, view)
