"""end_holds: held jobs go on when what they waited for is over, and no other does."""

import pytest
from django.db import connection, transaction

from jobs.ledger import holds, transitions
from jobs.ledger.holds import end_holds
from jobs.ledger.models import Job
from jobs.ledger.states import Hold
from tenancy import changes
from tenancy.models import Organization
from tenancy.scope import engine_scope, operator_scope
from tests.factories import organization
from tests.factories.jobs import (
    at,
    note_type,
    queue_control,
    queued_job,
    queued_jobs,
    row,
    running_job,
)
from tests.threads import elsewhere
from tests.waiting import eventually

pytestmark = pytest.mark.django_db(transaction=True)

ALL = 10_000


@pytest.fixture
def of(line):
    return organization()


def become(of: Organization, state: str) -> None:
    with operator_scope("a test"), transaction.atomic():
        changes.update(of, state=state)


def held(of, why):
    job = running_job(of)
    with at(of):
        transitions.hold(job, why)
    return job.ref


def drained(of, count, job_type=None):
    """Jobs that were held while their queue was drained, which is over."""
    group = job_type.group if job_type else "backfill"
    queue_control(of, group, is_draining=True)
    refs = queued_jobs(of, count, job_type)
    queue_control(of, group, is_draining=False)
    return refs


def end(limit=ALL):
    with engine_scope(), transaction.atomic():
        return end_holds(limit)


def end_until(done):
    """Step by step; what is looked at in one step is drawn by lot."""
    eventually(lambda: end() >= 0 and done())


def test_a_held_job_stays_while_its_organization_is_suspended(of):
    become(of, "suspended")
    ref = held(of, Hold.ORGANIZATION_SUSPENDED)

    end()

    assert row(ref).hold == "organization_suspended"


def test_a_held_job_goes_on_once_its_organization_is_active(of):
    other = organization()
    become(of, "suspended")
    become(other, "suspended")
    mine, others = (held(one, Hold.ORGANIZATION_SUSPENDED) for one in (of, other))
    become(of, "active")

    end_until(lambda: row(mine).hold is None)

    assert row(mine).state == "scheduled"
    assert row(others).hold == "organization_suspended"


def test_what_a_breaker_holds_is_left_to_the_breaker(of):
    behind = held(of, Hold.BREAKER)
    [free] = drained(of, 1)

    end_until(lambda: row(free).hold is None)

    assert row(behind).hold == "breaker"


def test_a_drain_of_another_group_or_organization_ends_no_other(of):
    other = organization()
    queue_control(of, is_draining=True)
    ref = queued_job(of)
    queue_control(of, "audit", is_draining=False)
    queue_control(other, is_draining=False)
    [free] = drained(other, 1)

    end_until(lambda: row(free).hold is None)

    assert row(ref).hold == "draining"


def test_a_drain_of_another_group_holds_none(of):
    refs = drained(of, 2)
    queue_control(of, "audit", is_draining=True)

    end_until(lambda: not any(row(ref).hold for ref in refs))


def test_room_in_one_queue_is_none_in_another(of):
    audit = note_type(group="audit")
    queue_control(of, capacity=1)
    queue_control(of, "audit", capacity=1)
    full, free = queued_jobs(of, 3), queued_jobs(of, 3, audit)
    queue_control(of, "audit", capacity=None)

    end_until(lambda: not any(row(ref).hold for ref in free))

    assert [row(ref).hold for ref in full] == [None, "capacity", "capacity"]


def test_no_more_go_on_than_asked_for(of):
    others = organization()
    drained(of, 3)
    drained(others, 3)

    assert end(4) <= 4


def test_no_more_queues_are_looked_at_than_in_one_step(of, monkeypatch):
    monkeypatch.setattr(holds, "MOST_QUEUES", 1)
    others = organization()
    refs = [drained(of, 1), drained(others, 1)]

    end()

    assert sum(row(ref).hold is None for [ref] in refs) <= 1


def test_queues_that_stay_full_do_not_stand_before_the_others(of, monkeypatch):
    later = organization()
    queue_control(of, capacity=1)
    queued_jobs(of, 2)
    [ref] = drained(later, 1)
    monkeypatch.setattr(holds, "MOST_QUEUES", 1)

    end_until(lambda: row(ref).hold is None)


def test_one_that_somebody_has_locked_keeps_no_other_waiting(of):
    locked, free = drained(of, 2)

    with elsewhere() as begin, at(of), connection.cursor() as cursor:
        cursor.execute("SELECT FROM jobs_job WHERE id = %s FOR UPDATE", [locked.job_id])
        eventually(lambda: begin(end).result(10) >= 0 and begin(row, free).result().hold is None)

    assert row(locked).hold == "draining"


def test_the_oldest_go_on_first(of):
    refs = drained(of, 3)

    eventually(lambda: end(1) and row(refs[0]).hold is None)

    with at(of):
        assert not Job.objects.get(pk=refs[0].job_id).hold
    assert row(refs[2]).hold == "draining"
