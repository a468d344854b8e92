"""settle: the completion marker, under the attempt's own fence or not at all."""

from datetime import timedelta

import pytest
from django.db import transaction

from jobs.errors import LeaseLost
from jobs.ledger import transitions
from jobs.ledger.failures import Failure
from jobs.ledger.models import Attempt
from tenancy import changes
from tenancy.models import Organization, TimelineEntry
from tests.factories import mission, organization, project, timeline_entry
from tests.factories.jobs import at, claim, row, running_job

pytestmark = pytest.mark.django_db


def test_a_settled_job_has_succeeded_and_its_attempt_is_closed():
    job = running_job()

    with at(job.ref.organization_id):
        transitions.settle(job)
        attempt = Attempt.objects.get(job_id=job.ref.job_id)

    assert row(job.ref).state == "succeeded"
    assert row(job.ref).finished_at
    assert attempt.outcome == "succeeded"
    assert attempt.ended_at >= attempt.started_at


def test_a_late_settle_undoes_the_effect_of_its_transaction(lost):
    late, _ = lost
    with at(late.ref.organization_id):
        of = Organization.objects.get(pk=late.ref.organization_id)
    entry = timeline_entry(mission(project(of)), title="before")

    def effect():
        with at(late.ref.organization_id):
            changes.update(entry, title="after")
            transitions.settle(late)

    with pytest.raises(LeaseLost):
        effect()

    with at(late.ref.organization_id):
        assert TimelineEntry.objects.get(pk=entry.pk).title == "before"


def test_the_worker_that_took_over_settles(lost):
    late, current = lost

    with at(late.ref.organization_id):
        transitions.settle(current)

    assert row(late.ref).state == "succeeded"


def test_another_organization_s_scope_settles_nothing():
    job = running_job()

    with pytest.raises(LeaseLost), at(organization()):
        transitions.settle(job)

    assert row(job.ref).state == "running"


def test_what_failed_before_and_succeeds_tells_no_error():
    job = running_job()
    with at(job.ref.organization_id):
        failure = Failure(error_class="Boom", message="boom")
        transitions.retry(job, delay=timedelta(0), failure=failure)
    again = claim(job.ref).claimed

    with at(job.ref.organization_id):
        transitions.settle(again)

    assert (row(job.ref).error_class, row(job.ref).error_message) == ("", "")


def test_what_rolls_back_is_not_settled():
    job = running_job()

    with at(job.ref.organization_id):
        transitions.settle(job)
        transaction.set_rollback(True)

    assert row(job.ref).state == "running"
