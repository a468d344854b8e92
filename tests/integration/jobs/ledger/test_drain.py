"""A draining queue: new jobs are held in the ledger, what waits runs, and nothing is lost."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db import transaction

from jobs.ledger import NewJob, enqueue_many, relay
from tenancy import changes
from tenancy.scope import scope
from tests.factories import organization
from tests.factories.jobs import (
    Note,
    at,
    claim,
    note_type,
    queue_control,
    queued_job,
    queued_jobs,
    row,
)
from tests.waiting import eventually

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def of(line):
    return organization()


def relay_until(done) -> None:
    def step():
        relay.publish_due()
        return done()

    eventually(step)


def test_a_new_job_is_held_and_does_not_stand_in_line(of, line):
    queue_control(of, is_draining=True)

    ref = queued_job(of)

    assert (row(ref).state, row(ref).hold) == ("scheduled", "draining")
    relay.publish_due()
    assert row(ref).hold == "draining"
    assert line.depth("backfill", of.pk).waiting == 0


def test_what_waited_before_runs(of, line):
    ref = queued_job(of)
    queue_control(of, is_draining=True)

    assert claim(ref).answer == "claimed"


def test_another_group_and_another_organization_go_on(of, line):
    queue_control(of, "audit", is_draining=True)
    queue_control(organization(), is_draining=True)

    assert row(queued_job(of)).state == "queued"


def test_of_a_batch_over_several_organizations_only_its_own_are_held(of, line):
    queue_control(of, is_draining=True)
    other = organization()

    assert {row(ref).hold for ref in queued_jobs(of, 3)} == {"draining"}
    assert {row(ref).hold for ref in queued_jobs(other, 3)} == {None}


def test_resumed_the_held_jobs_go_on_all_of_them(of, line):
    queue_control(of, is_draining=True)
    refs = queued_jobs(of, 7)
    queue_control(of, is_draining=False)

    relay_until(lambda: all(row(ref).state == "queued" for ref in refs))

    assert line.depth("backfill", of.pk).waiting == 7


def test_a_job_for_later_waits_for_its_time_too(of, line):
    queue_control(of, is_draining=True)
    ref = queued_job(of, run_at=datetime.now(UTC) + timedelta(hours=1))
    assert row(ref).hold == "draining"
    queue_control(of, is_draining=False)

    relay_until(lambda: row(ref).hold is None)

    assert row(ref).state == "scheduled"


def test_of_a_suspended_organization_nothing_goes_on(of, line):
    queue_control(of, is_draining=True)
    ref = queued_job(of)
    other = queued_job(organization())
    with at(of):
        changes.update(of, state="suspended")
    queue_control(of, is_draining=False)

    relay_until(lambda: row(other).state == "queued")

    assert row(ref).hold == "draining"


def test_of_one_call_over_several_organizations_the_others_stand_in_line(of, line):
    other, job_type = organization(), note_type()
    queue_control(of, is_draining=True)
    asked = [
        NewJob(payload=Note(), organization_id=one.pk, entity=("note", "1")) for one in (of, other)
    ]

    with scope([of, other]), transaction.atomic():
        enqueue_many(job_type, asked)

    assert line.depth("backfill", of.pk).waiting == 0
    assert line.depth("backfill", other.pk).waiting == 1
