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
from jobs.execution.revalidate import asking, stands
from jobs.ledger import transitions
from jobs.ledger.transitions import ClaimAnswer, Claimed, JobRef
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

    suspects: whether to take over those whose worker died, too; they start at once.
    """
    at = time.monotonic()
    wanted = list(dict.fromkeys(refs))
    statements = transitions.claiming(
        wanted,
        worker_id=leases.worker_id,
        lease=lease(),
        suspects=suspects,
        in_hand=list(in_hand.refs().intersection(wanted)),
    )
    with in_hand.expecting(wanted), scope({ref.organization_id for ref in wanted}):
        answers = committed(*first, *statements, asking(wanted))
        claims = transitions.claim_answers(answers)
        try:
            for one in claims:
                if one.claimed:
                    in_hand.take(one.claimed)
            found = stands(wanted, answers)
            return [Judged(answer=one, standing=found[one.ref], at=at) for one in claims]
        except BaseException:
            # Interrupted, and nobody hears of it: what is not in hand is claimed anew.
            for one in claims:
                if one.claimed:
                    in_hand.drop(one.claimed)
            raise


def give_back_unstarted(messages: list[GroupMessage]) -> None:
    """Undo the claims of messages that go back: others may run them now, uncounted."""
    claimed = [one.claim.claimed for one in messages if one.claim and one.claim.claimed]
    if claimed:
        leases.give_back(claimed)
