"""The dead letters of a job, and what a person does with it."""

from collections.abc import Iterable

from django.db import connection

from jobs.ledger import transitions
from jobs.ledger.models import DeadLetter
from jobs.ledger.publish import InLine
from jobs.ledger.transitions import JobRef
from tests.factories.jobs import at

BY = {"handled_by": "user:7", "reason": "mended"}


def replay(*refs: JobRef) -> list[InLine]:
    with at(refs[0].organization_id):
        return transitions.replay(refs, **BY)


def discard(*refs: JobRef) -> list[JobRef]:
    with at(refs[0].organization_id):
        return transitions.discard(refs, **BY)


def restore(*refs: JobRef) -> list[JobRef]:
    with at(refs[0].organization_id):
        return transitions.restore(refs)


def letters(ref: JobRef) -> list[DeadLetter]:
    """All of a job, the first first."""
    with at(ref.organization_id):
        return list(DeadLetter.objects.filter(job_id=ref.job_id).order_by("pk"))


def states(ref: JobRef) -> list[str]:
    """Of all its letters."""
    return [letter.state for letter in letters(ref)]


def handled(ref: JobRef) -> Iterable[str]:
    """How, by whom and why its only letter was."""
    [letter] = letters(ref)
    return letter.state, letter.handled_by, letter.handled_reason


def finished_before(ref: JobRef, interval: str) -> None:
    """No door makes time pass."""
    with at(ref.organization_id), connection.cursor() as cursor:
        cursor.execute(
            "UPDATE jobs_job SET finished_at = finished_at - %s::interval WHERE id = %s",
            [interval, ref.job_id],
        )
