"""publish_due: what is due, or was left unpublished by a crash, goes in line."""

from datetime import timedelta

import pytest
from django.db import connection, transaction

from jobs.broker.errors import BrokerUnavailable
from jobs.ledger import relay, transitions
from jobs.ledger.states import Hold
from jobs.scheduler import publish_all_due
from tenancy import changes
from tenancy.scope import engine_scope, operator_scope
from tests.factories import organization
from tests.factories.jobs import at, claim, dead_job, row, running_job
from tests.integration.jobs.ledger.letters import replay
from tests.integration.jobs.ledger.lines import in_line, reference
from tests.integration.jobs.ledger.unpublished import (
    crashed_before_publish,
    scheduled_job,
    unpublished_job,
)
from tests.threads import elsewhere, together

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_crash_between_commit_and_publish_is_made_good(line):
    ref = unpublished_job()

    publish_all_due()

    assert in_line(ref)
    assert row(ref).published_at


def test_a_crash_between_publish_and_confirm_changes_nothing(line):
    ref = unpublished_job()
    relay.put_in_line([reference(ref)])

    publish_all_due()

    assert row(ref).published_at
    assert line.depth("backfill", ref.organization_id).waiting == 1


def test_a_transaction_gets_a_moment_to_publish_by_itself(line):
    ref = unpublished_job(age="0 seconds")

    publish_all_due()

    assert not in_line(ref)


def test_a_scheduled_job_is_published_when_its_time_comes_and_not_before(line):
    due, later = scheduled_job(), scheduled_job(due_in=timedelta(minutes=1))

    publish_all_due()

    assert (in_line(due), row(due).state) == (True, "queued")
    assert (in_line(later), row(later).state) == (False, "scheduled")


def test_a_held_job_is_published_when_its_organization_is_active_again(line):
    of = organization()
    job = running_job(of)
    line.remove("backfill", of.pk, [str(job.ref.job_id)])
    with operator_scope("a test"), transaction.atomic():
        changes.update(of, state="suspended")
    with at(of):
        transitions.hold(job, Hold.ORGANIZATION_SUSPENDED)

    publish_all_due()
    assert not in_line(job.ref)

    with operator_scope("a test"), transaction.atomic():
        changes.update(of, state="active")
    publish_all_due()
    assert in_line(job.ref)
    assert claim(job.ref).claimed.attempt == 1


@pytest.mark.parametrize("make", [dead_job, lambda of: running_job(of).ref])
def test_what_is_not_due_is_left_alone(line, make):
    ref = crashed_before_publish(make(organization()))

    publish_all_due()

    assert not in_line(ref)


def test_a_redis_that_is_away_moves_nothing(own_line, live_valkey):
    own_line.open_epoch()
    ref = scheduled_job()
    live_valkey.kill()

    with pytest.raises(BrokerUnavailable):
        relay.publish_due()

    assert (row(ref).state, row(ref).published_at) == ("scheduled", None)


def test_a_crash_of_the_relay_before_its_commit_publishes_again(line):
    ref = scheduled_job()

    with engine_scope(), transaction.atomic():
        relay.publish_due()
        transaction.set_rollback(True)
    assert (in_line(ref), row(ref).state) == (True, "scheduled")
    assert claim(ref).answer == "finished"

    publish_all_due()
    assert row(ref).state == "queued"
    assert claim(ref).answer == "claimed"


def test_two_relays_share_the_work_and_publish_each_job_once(line):
    of = organization()
    refs = [scheduled_job(of) for _ in range(60)]

    counts = together(*[relay.publish_due] * 4)

    assert sum(counts) >= 60
    assert all(row(ref).state == "queued" for ref in refs)
    assert line.depth("backfill", of.pk).waiting == 60


def test_what_was_replayed_gets_its_moment_too_however_old_it_is(line):
    ref = crashed_before_publish(dead_job(), age="1 hour")
    replay(ref)

    publish_all_due()

    assert not in_line(ref)


def test_what_redis_was_told_of_is_left_to_the_sweep(line):
    ref = unpublished_job()
    publish_all_due()
    line.remove("backfill", ref.organization_id, [str(ref.job_id)])

    publish_all_due()

    assert not in_line(ref)


def test_of_more_than_a_batch_those_go_first_that_were_due_first(line, monkeypatch):
    publish_all_due()
    of = organization()
    second = scheduled_job(of, due_in=timedelta(seconds=-1))
    first = scheduled_job(of, due_in=timedelta(seconds=-2))
    monkeypatch.setattr(relay, "BATCH", 1)

    relay.publish_due()

    assert (row(first).state, row(second).state) == ("queued", "scheduled")


@pytest.mark.parametrize("make", [scheduled_job, unpublished_job])
def test_one_that_somebody_has_locked_keeps_no_other_waiting(line, make):
    locked, free = make(), make()

    with elsewhere() as begin, at(locked.organization_id), connection.cursor() as cursor:
        cursor.execute("SELECT FROM jobs_job WHERE id = %s FOR UPDATE", [locked.job_id])
        begin(publish_all_due).result(10)
        assert (in_line(locked), in_line(free)) == (False, True)

    publish_all_due()
    assert in_line(locked)
