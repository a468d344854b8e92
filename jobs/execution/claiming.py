"""Claim a fetched batch in one statement, and give back what does not start here.

Both run in the consumer thread of a group, as hooks of the broker: a thread gets only messages that
it is to run. What is finished is acknowledged at once, what is held or not due comes again.

*Who had started, when a worker dies.* A claim is the last that the ledger hears of a job until it
ends, or runs at its worker's next heartbeat: to write down each start, before the actor runs, would
cost a trip and two rows. So after a sudden death all that the worker had may have killed it, and
each runs alone next time (`suspects`): that claim counts as its start, and another death under it
is its own. Whoever was not at fault ends that attempt, uncounted.
"""

import time
from collections.abc import Iterable
from dataclasses import dataclass

import structlog
from django.db import Error, connection

from jobs.broker.messages import Ack, GroupMessage, RetryAfter
from jobs.execution.in_hand import in_hand
from jobs.execution.leases import lease, leases
from jobs.execution.poison import reference_of
from jobs.execution.revalidate import asking
from jobs.ledger import transitions
from jobs.ledger.transitions import ClaimAnswer, Claimed, JobRef
from tenancy import standing
from tenancy.postgresql.flush import Rows, Statement, committed
from tenancy.scope import scope

log = structlog.get_logger(__name__)

# A row that somebody else keeps locked must not keep this thread from its heartbeats. Then each
# thread claims for itself.
PATIENCE = Statement(name="jobs.patience", sql="SELECT set_config('lock_timeout', '1000ms', true)")


@dataclass(frozen=True, kw_only=True)
class Judged:
    """What the ledger said to the wish to run a job, and for a claimed one how things stood then.

    at: just before it was asked, by this process's monotonic clock.
    """

    answer: ClaimAnswer
    standing: Rows
    at: float

    @property
    def claimed(self) -> Claimed | None:
        """The job, if it is to run here."""
        return self.answer.claimed


def claim_fetched(messages: list[GroupMessage]) -> None:
    """Claim a batch; what came of it is left on each message, whose organization is its queue's.

    Without PostgreSQL no message has one, and its thread tries for itself.
    """
    by_ref = {ref: message for message in messages if (ref := reference_of(message))}
    if not by_ref:
        return
    try:
        judged = claim(by_ref, PATIENCE, suspects=False)
    except Error as error:
        log.warning("batch_not_claimed", messages=len(by_ref), error=str(error))
        connection.close()
        return
    for one in judged:
        answer = one.answer
        message = by_ref[answer.ref]
        message.claim = one
        if answer.answer == "finished":
            message.disposition = Ack()
        elif answer.answer in ("held", "not_due"):
            message.disposition = RetryAfter(delay=answer.delay)


def claim(refs: Iterable[JobRef], *first: Statement, suspects: bool) -> list[Judged]:
    """Claim jobs for this worker in one transaction, and ask for the standing of those who act.

    suspects: whether to take over those whose worker died, too; they start at once. Raises what
    PostgreSQL raises; what was claimed by then is given back.
    """
    at = time.monotonic()
    wanted = list(refs)
    statements = transitions.claiming(
        wanted,
        worker_id=leases.worker_id,
        lease=lease(),
        suspects=suspects,
        in_hand=[ref for ref in wanted if ref in in_hand],
    )
    with scope({ref.organization_id for ref in wanted}):
        answers = transitions.claim_answers(committed(*first, *statements))
        claimed = [answer.claimed for answer in answers if answer.claimed]
        for job in claimed:
            in_hand.take(job)
        try:
            stands = stand(claimed)
        except BaseException:
            leases.give_back(claimed)
            raise
    return [Judged(answer=one, standing=stands.get(one.ref, []), at=at) for one in answers]


def stand(jobs: list[Claimed]) -> dict[JobRef, Rows]:
    """How things stand now for those who act, in a scope that shows their organizations.

    Whoever asked for the end of one of them before it was in hand told nobody here: asked, too.
    """
    if not jobs:
        return {}
    refs = [job.ref for job in jobs]
    to_end = transitions.asking_whether_to_end(refs, worker_id=leases.worker_id)
    answers = committed(asking(jobs), to_end)
    in_hand.ask_to_end(transitions.asked_to_end(answers))
    found = standing.in_order(answers[standing.NAME])
    return {ref: found.get(place, []) for place, ref in enumerate(refs)}


def give_back_unstarted(messages: list[GroupMessage]) -> None:
    """Undo the claims of messages that go back: others may run them now, uncounted."""
    claimed = [one.claim.claimed for one in messages if one.claim and one.claim.claimed]
    if claimed:
        leases.give_back(claimed)
