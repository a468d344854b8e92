"""Capacity: what there is no room for is refused or held at enqueue, and let in in its order."""

import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from django.db import transaction

from jobs.errors import ImpossibleDeclaration, QueueFull
from jobs.ledger import NewJob, enqueue, enqueue_many, relay
from jobs.ledger.capacity import let_in
from jobs.ledger.models import Job
from jobs.ledger.transitions import JobRef
from tenancy.scope import scope
from tests.factories import organization
from tests.factories.jobs import (
    Note,
    at,
    note_type,
    queue_control,
    queued_job,
    queued_jobs,
    row,
    running_job,
)
from tests.integration.jobs.ledger.lines import lease_all, reference
from tests.waiting import eventually

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def of(line):
    return organization()


def holds(of) -> list[str | None]:
    """Of the organization's jobs, in the order in which they were enqueued."""
    with at(of):
        return list(Job.objects.order_by("pk").values_list("hold", flat=True))


def relay_until(done) -> None:
    """The relay, step by step; what it looks at in one step is drawn by lot."""

    def step():
        relay.publish_due()
        return done()

    eventually(step)


def test_what_fits_stands_in_line_and_the_rest_is_held(of, line):
    queue_control(of, capacity=3)

    queued_jobs(of, 5)

    assert holds(of) == [None, None, None, "capacity", "capacity"]
    assert line.depth("backfill", of.pk).waiting == 3


def test_one_by_one_they_are_held_once_it_is_full(of, line):
    queue_control(of, capacity=1)

    with scope(of):
        for number in range(3):
            enqueue(note_type(), Note(), organization_id=of.pk, entity=("note", str(number)))

    assert holds(of) == [None, "capacity", "capacity"]
    assert line.depth("backfill", of.pk).waiting == 1


def test_chunks_of_one_call_count_those_before_them(of, line, monkeypatch):
    monkeypatch.setattr(sys.modules["jobs.ledger.enqueue"], "CHUNK", 2)
    queue_control(of, capacity=3)

    queued_jobs(of, 6)

    assert holds(of) == [None, None, None, "capacity", "capacity", "capacity"]


def test_without_a_capacity_any_number_waits(of, line):
    queue_control(of, weight=2.0)

    queued_jobs(of, 20)

    assert holds(of) == [None] * 20


def test_the_capacity_of_another_group_or_organization_does_not_matter(of, line):
    queue_control(of, "audit", capacity=1)
    queue_control(organization(), capacity=1)

    queued_jobs(of, 5)

    assert holds(of) == [None] * 5


def test_a_job_type_that_refuses_says_what_there_is_and_what_to_do(of, line):
    queue_control(of, capacity=2)
    refusing = note_type(when_full="refuse")
    queued_job(of, refusing)

    with pytest.raises(QueueFull) as refused:
        queued_jobs(of, 2, refusing)

    assert (refused.value.capacity, refused.value.waiting, refused.value.asked) == (2, 1, 2)
    assert str(refused.value) == (
        f"2 more cannot wait in the queue backfill of organization {of.pk}: its capacity is 2 and "
        "1 wait. Nothing was enqueued. Try again when some have run; an operator raises the "
        "capacity with `manage.py queues capacity`."
    )
    assert holds(of) == [None]


def test_what_was_enqueued_before_is_not_refused_when_it_is_asked_for_again(of, line):
    refusing = note_type(when_full="refuse")
    again = {"entity": ("note", "1"), "correlation_id": "same"}
    first = queued_job(of, refusing, **again)
    queue_control(of, capacity=1)

    assert queued_job(of, refusing, **again) == first


def test_what_is_for_later_waits_in_the_ledger_anyway(of, line):
    queue_control(of, capacity=1)
    queued_job(of)

    later = queued_job(of, run_at=datetime.now(UTC) + timedelta(hours=1))

    assert row(later).hold is None


def test_held_jobs_are_let_in_in_their_order_as_there_is_room(of, line):
    queue_control(of, capacity=2)
    queued_jobs(of, 5)
    line.ack("backfill", "a-worker", lease_all(line, of.pk))

    relay_until(lambda: holds(of).count("capacity") < 3)

    assert holds(of) == [None, None, None, None, "capacity"]
    assert line.depth("backfill", of.pk).waiting == 2


def test_nobody_overtakes_the_held_ones(of, line):
    queue_control(of, capacity=2)
    queued_jobs(of, 3)
    line.ack("backfill", "a-worker", lease_all(line, of.pk))

    queued_jobs(of, 1)

    assert holds(of) == [None, None, "capacity", "capacity"]


def test_all_of_them_go_on_once_there_is_no_capacity_any_more(of, line):
    queue_control(of, capacity=1)
    queued_jobs(of, 6)
    queue_control(of, capacity=None)

    relay_until(lambda: not any(holds(of)))

    assert line.depth("backfill", of.pk).waiting == 6


def test_a_full_queue_keeps_nobody_elses_held_jobs_back(of, line):
    queue_control(of, capacity=1)
    queued_jobs(of, 3)
    other = organization()
    queue_control(other, capacity=1)
    queued_jobs(other, 2)
    queue_control(other, capacity=None)

    relay_until(lambda: not any(holds(other)))

    assert holds(of) == [None, "capacity", "capacity"]


def test_it_is_not_enforced_while_redis_is_away(of, own_line, live_valkey):
    queue_control(of, capacity=1)
    live_valkey.kill()

    queued_jobs(of, 3)

    assert holds(of) == [None] * 3


def test_a_job_type_that_would_do_neither_is_refused_when_it_is_declared():
    with pytest.raises(ImpossibleDeclaration, match="give 'hold' or 'refuse'"):
        note_type(when_full="drop")


def test_what_another_group_or_cause_holds_is_overtaken(of, line):
    audit = note_type(group="audit")
    queue_control(of, "audit", capacity=1)
    queued_jobs(of, 2, audit)
    queue_control(of, is_draining=True)
    drained = queued_job(of)
    queue_control(of, is_draining=False, capacity=5)

    ref = queued_job(of)

    assert (row(drained).hold, row(ref).hold) == ("draining", None)


def test_what_another_organization_of_the_same_call_holds_is_overtaken(of, line):
    other, job_type = organization(), note_type()
    queue_control(other, capacity=1)
    queued_jobs(other, 2)
    queue_control(of, capacity=5)
    asked = [
        NewJob(payload=Note(), organization_id=one.pk, entity=("note", "1")) for one in (of, other)
    ]

    with scope([of, other]), transaction.atomic():
        mine, theirs = (
            JobRef(organization_id=new.organization_id, job_id=done.job_id)
            for new, done in zip(asked, enqueue_many(job_type, asked), strict=True)
        )

    assert (row(mine).hold, row(theirs).hold) == (None, "capacity")


def test_nothing_is_held_that_a_worker_has_begun_or_that_is_not_its_own(of, line):
    """No caller names such jobs."""
    running, theirs = running_job(of).ref, queued_job()
    forged = replace(reference(theirs), organization_id=of.pk)

    with scope([of.pk, theirs.organization_id]), transaction.atomic():
        assert let_in(note_type(), [(reference(running), 0), (forged, 0)], ahead={}) == []

    assert (row(running).state, row(theirs).state) == ("running", "queued")


def test_one_that_is_enqueued_in_no_transaction_is_written_once_and_stands_in_line(of, line):
    queue_control(of, capacity=5)

    with scope(of):
        done = enqueue(note_type(), Note(), organization_id=of.pk, entity=("note", "1"))

    assert done.created
    assert holds(of) == [None]
    assert line.depth("backfill", of.pk).waiting == 1
