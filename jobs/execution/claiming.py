"""Claim a fetched batch in one statement, and give back what does not start here.

Both run in the consumer thread of a group, as hooks of the broker: a thread gets only messages that
it is to run. What is finished is acknowledged at once, what is held or not due comes again.

*Who had started, when a worker dies.* A claim starts nothing. `start`, in the first trip that the
job's own thread makes, opens the attempt and is committed before the actor runs; so a sudden death
leaves a started attempt for each job that a thread had begun, at most one per thread, and for none
of the others of its batch. Only the former count a loss and run alone next time (`suspects`); the
others are claimed anew, in a batch, as if nothing had been. That costs no trip and no wait for the
disk: the start is committed without one (`UNHURRIED`), which outlives every death of a worker and
is lost only with the machine of PostgreSQL, and then counts a loss too few.
"""

from collections.abc import Iterable

import structlog
from django.db import Error, connection

from jobs.broker.messages import Ack, GroupMessage, RetryAfter
from jobs.execution.in_hand import in_hand
from jobs.execution.leases import lease, leases
from jobs.execution.poison import reference_of
from jobs.ledger import transitions
from jobs.ledger.transitions import ClaimAnswer, JobRef
from tenancy.postgresql.flush import Statement, committed
from tenancy.scope import scope

log = structlog.get_logger(__name__)

# A row that somebody else keeps locked must not keep this thread from its heartbeats. Then each
# thread claims for itself.
PATIENCE = Statement(name="jobs.patience", sql="SELECT set_config('lock_timeout', '1000ms', true)")


def claim_fetched(messages: list[GroupMessage]) -> None:
    """Claim a batch; each answer is left on its message, each organization comes from its message.

    Without PostgreSQL no message has one, and its thread tries for itself.
    """
    by_ref = {ref: message for message in messages if (ref := reference_of(message))}
    if not by_ref:
        return
    try:
        answers = claim(by_ref, PATIENCE, suspects=False)
    except Error as error:
        log.warning("batch_not_claimed", messages=len(by_ref), error=str(error))
        connection.close()
        return
    for answer in answers:
        message = by_ref[answer.ref]
        message.claim = answer
        if answer.answer == "finished":
            message.disposition = Ack()
        elif answer.answer in ("held", "not_due"):
            message.disposition = RetryAfter(delay=answer.delay)


def claim(refs: Iterable[JobRef], *first: Statement, suspects: bool) -> list[ClaimAnswer]:
    """Claim jobs for this worker, in one transaction and one trip."""
    wanted = list(refs)
    statements = transitions.claiming(
        wanted, worker_id=leases.worker_id, lease=lease(), suspects=suspects
    )
    with scope({ref.organization_id for ref in wanted}):
        answers = transitions.claim_answers(committed(*first, *statements))
    for answer in answers:
        if answer.claimed:
            in_hand.take(answer.claimed)
    return answers


def give_back_unstarted(messages: list[GroupMessage]) -> None:
    """Undo the claims of messages that go back: others may run them now, uncounted."""
    claimed = [
        message.claim.claimed
        for message in messages
        if message.claim is not None and message.claim.claimed is not None
    ]
    if claimed:
        leases.give_back(claimed)
