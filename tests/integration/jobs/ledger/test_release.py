"""release, hold: a running job goes back uncounted; a held one until its reason ends."""

import pytest
from django.db import transaction

from jobs.ledger import transitions
from jobs.ledger.holds import end_holds
from jobs.ledger.models import Attempt
from jobs.ledger.states import Hold
from tenancy import changes
from tenancy.models import Organization
from tenancy.scope import engine_scope, operator_scope
from tests.factories import organization
from tests.factories.jobs import at, claim, row, running_job

pytestmark = pytest.mark.django_db


def hold(job) -> None:
    with at(job.ref.organization_id):
        transitions.hold(job, Hold.ORGANIZATION_SUSPENDED)


def become(of: Organization, state: str) -> None:
    with operator_scope("a test"), transaction.atomic():
        changes.update(of, state=state)


def unhold() -> None:
    with engine_scope(), transaction.atomic():
        end_holds(10_000)


def test_a_released_job_is_due_and_its_attempt_did_not_happen():
    job = running_job()

    with at(job.ref.organization_id):
        transitions.release(job)
        attempt = Attempt.objects.get(job_id=job.ref.job_id)

    after = row(job.ref)
    assert (after.state, after.attempt, after.losses) == ("queued", 0, 0)
    assert (after.worker_id, after.started_at) == ("", None)
    assert attempt.outcome == "released"


def test_a_released_job_is_claimed_again_with_all_its_attempts():
    job = running_job()
    with at(job.ref.organization_id):
        transitions.release(job)

    again = claim(job.ref).claimed

    assert (again.fence, again.attempt, again.attempts_left) == (2, 1, job.attempts_left)


def test_a_held_job_waits_in_the_ledger():
    job = running_job()

    hold(job)

    after = row(job.ref)
    assert (after.state, after.hold, after.attempt) == ("scheduled", "organization_suspended", 0)
    assert after.published_at is None


def test_a_held_job_stays_while_its_organization_is_suspended():
    of = organization()
    job = running_job(of)
    become(of, "suspended")
    hold(job)

    unhold()

    assert row(job.ref).hold == "organization_suspended"


def test_a_held_job_goes_on_once_its_organization_is_active():
    of = organization()
    job, others = running_job(of), running_job(organization())
    become(of, "suspended")
    become(Organization(pk=others.ref.organization_id), "suspended")
    hold(job)
    hold(others)
    become(of, "active")

    unhold()

    assert (row(job.ref).state, row(job.ref).hold) == ("scheduled", None)
    assert row(others.ref).hold == "organization_suspended"
