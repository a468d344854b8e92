"""What a person does with dead jobs: retry, discard, restore; each asked for, checked and audited.

Many are one: every function takes any number of jobs, moves those that can be moved in one
statement and says of the others why not. Works in the caller's scope and transaction, so an org
admin reaches the organization's own jobs and an operator everybody's.
"""

import uuid
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import partial

from django.db import transaction
from django.db.models.functions import Now

from audit.record import Event, record_many
from jobs.errors import NotInState
from jobs.ledger import transitions
from jobs.ledger.models import DeadLetter, DeadLetterState, Job
from jobs.ledger.publish import publish
from jobs.ledger.transitions import JobRef
from tenancy.access import Permission, may
from tenancy.acting import current


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What an operation did.

    done: how many jobs moved. asked: how many run, and were asked to end. left: the others, and why
    each was left alone.
    """

    done: int
    asked: int = 0
    left: list[tuple[uuid.UUID, str]] = field(default_factory=list)

    def describe(self, verb: str) -> str:
        """One sentence for the person who asked, such as “Retried 9 jobs, left 1 alone: …”."""
        jobs = "1 job" if self.done == 1 else f"{self.done:,} jobs"
        text = f"{verb} {jobs}"
        if self.asked:
            text += f", asked {self.asked:,} running to end"
        if not self.left:
            return f"{text}."
        why = Counter(reason for _, reason in self.left)
        reasons = "; ".join(f"{count:,} × {reason}" for reason, count in why.most_common(5))
        return f"{text}, left {len(self.left):,} alone: {reasons}."


@dataclass(frozen=True, kw_only=True)
class Safety:
    """What replaying jobs may repeat outside: a mail, a webhook.

    not_begun: nothing went out. begun: something may have, and goes out again under the same id.
    confirmed: done; it is not repeated.
    """

    not_begun: int
    begun: int
    confirmed: int


def safety(job_ids: Iterable[uuid.UUID]) -> Safety:
    """Count, before a replay, how far the jobs' effects got."""
    states = Counter(
        Job.objects.filter(pk__in=list(job_ids)).values_list("effect_state", flat=True)
    )
    return Safety(
        not_begun=states["not_begun"], begun=states["begun"], confirmed=states["confirmed"]
    )


def retry(job_ids: Iterable[uuid.UUID], *, reason: str) -> Outcome:
    """Dead jobs run again, with all their attempts anew. Raises NotInState without a reason."""

    def move(refs: Sequence[JobRef]) -> list[JobRef]:
        in_line = transitions.replay(refs, handled_by=str(current().actor), reason=reason)
        transaction.on_commit(partial(publish, in_line), robust=True)
        return [JobRef(organization_id=j.organization_id, job_id=j.job_id) for j in in_line]

    return operate(
        job_ids, "job.retried", reason, move, wants="not dead, so there is nothing to retry"
    )


def discard(job_ids: Iterable[uuid.UUID], *, reason: str) -> Outcome:
    """Dead jobs will not run; can be restored for a day. Raises NotInState without a reason."""

    def move(refs: Sequence[JobRef]) -> list[JobRef]:
        return transitions.discard(refs, handled_by=str(current().actor), reason=reason)

    return operate(
        job_ids, "job.discarded", reason, move, wants="not dead, so there is nothing to discard"
    )


def restore(job_ids: Iterable[uuid.UUID], *, reason: str) -> Outcome:
    """Discarded jobs are dead letters again. Raises NotInState without a reason."""
    return operate(
        job_ids,
        "job.restored",
        reason,
        transitions.restore,
        wants="not discarded within the last 24 hours",
    )


def dismiss(dead_letter_ids: Iterable[int], *, reason: str) -> int:
    """Discard dead letters of messages that name no job; returns how many were open.

    Raises NotInState without a reason.
    """
    _require_reason(reason)
    actor = current().actor
    letters = [
        letter
        for letter in DeadLetter.objects.select_for_update().filter(
            pk__in=list(dead_letter_ids), job=None, state=DeadLetterState.OPEN
        )
        if letter.organization_id is None or may(actor, Permission.JOB_MANAGE, letter)
    ]
    DeadLetter.objects.filter(pk__in=[letter.pk for letter in letters]).update(
        state=DeadLetterState.DISCARDED,
        handled_at=Now(),
        handled_by=str(actor),
        handled_reason=reason,
    )
    record_many(
        [
            Event(
                organization_id=letter.organization_id or 0,
                action="deadletter.dismissed",
                target_type="deadletter",
                target_id=str(letter.pk),
                detail={"reason": reason},
            )
            for letter in letters
        ]
    )
    return len(letters)


def operate(
    job_ids: Iterable[uuid.UUID],
    action: str,
    reason: str,
    move: Callable[[Sequence[JobRef]], list[JobRef]],
    *,
    wants: str,
) -> Outcome:
    """Check, move, audit: the one way in which a person changes jobs."""
    _require_reason(reason)
    wanted = list(dict.fromkeys(job_ids))
    with transaction.atomic():
        jobs = {job.pk: job for job in Job.objects.filter(pk__in=wanted)}
        left = [(one, "not found") for one in wanted if one not in jobs]
        allowed = _allowed({job.organization_id for job in jobs.values()})
        left += [
            (job.pk, "not permitted to you")
            for job in jobs.values()
            if job.organization_id not in allowed
        ]
        refs = [
            JobRef(organization_id=job.organization_id, job_id=job.pk)
            for job in jobs.values()
            if job.organization_id in allowed
        ]
        moved = move(refs)
        left += [
            (ref.job_id, f"{jobs[ref.job_id].state}, {wants}") for ref in set(refs) - set(moved)
        ]
        record_many(
            [
                Event(
                    organization_id=ref.organization_id,
                    action=action,
                    target_type="job",
                    target_id=str(ref.job_id),
                    project_id=jobs[ref.job_id].project_id,
                    detail={"reason": reason, "job_type": jobs[ref.job_id].job_type},
                )
                for ref in moved
            ]
        )
    return Outcome(done=len(moved), left=left)


def _allowed(organization_ids: Iterable[int]) -> set[int]:
    actor = current().actor
    return {one for one in organization_ids if may(actor, Permission.JOB_MANAGE, one)}


def _require_reason(reason: str) -> None:
    if not reason.strip():
        raise NotInState("Say why: the reason stands in the audit log beside what was done.")
