"""cancel: jobs that wait are cancelled by those who may, and leave the line."""

from datetime import UTC, datetime, timedelta

import pytest

from audit.models import AuditEvent
from jobs import control
from jobs.errors import NotInState
from jobs.ledger import relay
from jobs.ledger.publish import queues
from tenancy.acting import Actor, acting
from tests.factories import member, organization
from tests.factories.jobs import at, claim, dead_job, declared, queued_job, row, running_job
from tests.integration.jobs.ledger.lines import lease_all

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def of(redis_url):
    relay.recover()
    return organization()


def cancel(of, *refs, role="admin", reason="not needed"):
    with acting(Actor.user(member(of, role=role).pk), source="admin"), at(of):
        return control.cancel([ref.job_id for ref in refs], reason=reason)


def in_line(of, ref) -> bool:
    return bool(queues().known("backfill", [(of.pk, str(ref.job_id))]))


def test_a_waiting_job_never_starts_and_leaves_the_line(of):
    ref = queued_job(of)
    assert in_line(of, ref)

    assert cancel(of, ref).done == 1

    assert (row(ref).state, row(ref).reason) == ("cancelled", "cancelled")
    assert not in_line(of, ref)
    assert claim(ref).answer == "finished"


def test_a_scheduled_job_never_starts(of):
    ref = queued_job(of, run_at=datetime.now(UTC) + timedelta(hours=1))

    assert cancel(of, ref).done == 1


def test_a_running_job_is_asked_to_end_and_a_dead_one_is_left_alone(of):
    running, dead = running_job(of).ref, dead_job(of)

    outcome = cancel(of, running, dead)

    assert (outcome.done, outcome.asked) == (0, 1)
    assert outcome.left == [(dead.job_id, "dead, so there is nothing to cancel")]
    assert row(running).cancel_requested_at
    with at(of):
        [event] = AuditEvent.objects.filter(action="job.cancel_requested")
    assert event.target_id == str(running.job_id)


def test_it_is_in_the_audit_log(of):
    ref = queued_job(of)

    cancel(of, ref, reason="asked by the customer")

    with at(of):
        [event] = AuditEvent.objects.filter(action="job.cancelled")
    assert event.target_id == str(ref.job_id)
    assert "asked by the customer" in event.event


def test_an_editor_may_not(of):
    ref = queued_job(of)

    assert cancel(of, ref, role="editor").left == [(ref.job_id, "not permitted to you")]
    assert row(ref).state == "queued"


def test_it_asks_for_a_reason(of):
    ref = queued_job(of)

    with pytest.raises(NotInState, match="Say why"):
        cancel(of, ref, reason=" ")


def test_a_message_that_stays_in_line_does_not_run(of):
    ref = queued_job(of)
    lease_all(queues(), of.pk)  # a worker has prefetched it

    cancel(of, ref)

    assert in_line(of, ref)
    assert claim(ref).answer == "finished"


def test_the_family_hears_of_it(of):
    heard = []
    with declared(
        lambda run: None, on_dead=lambda job, reason: heard.append((job.pk, reason))
    ) as job_type:
        ref = queued_job(of, job_type)
        cancel(of, ref)

    assert heard == [(ref.job_id, "cancelled")]
