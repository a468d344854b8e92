"""sweep: a Redis that came back from an old snapshot gets the messages that it lost."""

import pytest
from django.db import connection

from jobs.ledger import relay, transitions
from tests.factories import organization
from tests.factories.jobs import at, dead_job, queued_job, queued_jobs, running_job
from tests.integration.jobs.ledger.lines import in_line, lease_all

pytestmark = pytest.mark.django_db(transaction=True)

LONG = "2 minutes"


def lose(*refs, since=LONG):
    """Redis forgets their messages; no door makes time pass."""
    ids = [ref.job_id for ref in refs]
    for of in {ref.organization_id for ref in refs}:
        with at(of), connection.cursor() as cursor:
            cursor.execute(
                "UPDATE jobs_job SET created_at = created_at - %(since)s::interval,"
                " run_at = run_at - %(since)s::interval,"
                " claimed_at = claimed_at - %(since)s::interval,"
                " published_at = published_at - %(since)s::interval WHERE id = ANY (%(ids)s)",
                {"since": since, "ids": ids},
            )
        relay.queues().remove("backfill", of, map(str, ids))


def test_due_jobs_without_a_message_are_put_back(line):
    ours, theirs = organization(), organization()
    refs = [queued_job(ours), queued_job(ours), queued_job(theirs), running_job(theirs).ref]
    lose(*refs)

    assert relay.sweep() >= 4

    assert all(in_line(ref) for ref in refs)


def test_jobs_whose_message_is_there_are_left_alone(line):
    of = organization()
    lost, there = queued_job(of), queued_job(of)
    lose(lost)

    relay.sweep()

    assert line.depth("backfill", of.pk).waiting == 2
    assert in_line(there)


def test_a_message_that_a_worker_holds_is_there(line):
    of = organization()
    queued_job(of)
    lease_all(line, of.pk)

    relay.sweep()

    assert line.depth("backfill", of.pk).waiting == 0


def test_a_job_that_has_just_become_due_gets_its_minute(line):
    ref = queued_job()
    lose(ref, since="30 seconds")

    relay.sweep()

    assert not in_line(ref)


def test_what_is_finished_is_not_put_back(line):
    of = organization()
    settled, dead = running_job(of), dead_job(of)
    with at(of):
        transitions.settle(settled)
    lose(settled.ref, dead)

    relay.sweep()

    assert not in_line(settled.ref)
    assert not in_line(dead)


def test_pages_are_swept_to_the_last(line):
    of = organization()
    refs = queued_jobs(of, 2 * relay.BATCH + 1)
    lose(*refs)

    relay.sweep()

    assert line.depth("backfill", of.pk).waiting == len(refs)


def test_one_that_backed_off_until_just_now_gets_its_minute(line):
    ref = queued_job()
    lose(ref)
    with at(ref.organization_id), connection.cursor() as cursor:
        cursor.execute(
            "UPDATE jobs_job SET run_at = clock_timestamp() - interval '30 s',"
            " published_at = created_at WHERE id = %s",
            [ref.job_id],
        )

    relay.sweep()

    assert not in_line(ref)


def test_one_that_was_just_published_or_claimed_gets_its_minute(line):
    published, claimed = queued_job(), running_job().ref
    lose(published, claimed)
    for ref, column in ((published, "published_at"), (claimed, "claimed_at")):
        with at(ref.organization_id), connection.cursor() as cursor:
            cursor.execute(
                f"UPDATE jobs_job SET {column} = clock_timestamp() WHERE id = %s", [ref.job_id]
            )

    relay.sweep()

    assert (in_line(published), in_line(claimed)) == (False, False)
