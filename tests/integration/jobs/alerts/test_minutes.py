"""The counts of a minute: what waited in Redis, how attempts ended, and what is kept."""

from datetime import timedelta
from uuid import uuid4

import pytest
from django.db import connection, transaction

from jobs.alerts import minutes
from jobs.alerts.conditions import Count, Queue
from jobs.alerts.models import MinuteCount
from jobs.broker.messages import Entry
from jobs.ledger import figures, relay, transitions
from jobs.ledger.failures import Failure
from jobs.ledger.publish import queues
from tenancy.scope import engine_scope
from tests.factories import organization
from tests.factories.jobs import at, claim, dead_job, fall_silent, queued_jobs, running_job, worker

pytestmark = pytest.mark.django_db(transaction=True)

GROUP = "backfill"
FAILURE = Failure(error_class="Boom", message="boom")


@pytest.fixture
def of(redis_url):
    relay.recover()
    return organization()


def finished(of, length=timedelta(minutes=5)):
    """How this organization's attempts of the last minutes ended."""
    with engine_scope(), transaction.atomic():
        now = minutes.last_full() + 2 * minutes.MINUTE
        rows = figures.finished(now - length, now)
    return [row for row in rows if row["organization_id"] == of.pk]


def test_what_waits_is_counted_by_organization_and_for_the_whole_group(of):
    queued_jobs(of, 3)

    waiting = minutes.waiting()

    assert waiting[Queue(organization_id=of.pk, group=GROUP)].depth == 3
    assert waiting[Queue(organization_id=None, group=GROUP)].depth >= 3


def test_attempts_are_counted_by_how_they_ended(of):
    settled, retried = running_job(of), running_job(of)
    with at(of):
        transitions.settle(settled)
        transitions.retry(retried, delay=timedelta(hours=1), failure=FAILURE)
    dead_job(of)
    running_job(of)  # has not ended

    [row] = finished(of)

    assert row == {
        "organization_id": of.pk,
        "queue_group": GROUP,
        "attempts": 3,
        "failed": 2,
        "succeeded": 1,
        "retried": 1,
        "dead": 1,
    }


def test_an_attempt_whose_worker_died_failed_and_is_tried_again(of):
    killed = worker()
    job = running_job(of, worker_id=killed)
    fall_silent(killed)
    claim(job.ref)

    [row] = finished(of)

    assert (row["attempts"], row["failed"], row["retried"]) == (1, 1, 1)


def test_an_attempt_that_was_given_back_is_none(of):
    job = running_job(of)
    with at(of):
        transitions.release(job)

    assert finished(of) == []


def test_the_ended_attempts_of_a_minute_are_found_by_their_index(of):
    dead_job(of)
    with engine_scope(), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute(
            "EXPLAIN SELECT 1 FROM jobs_attempt WHERE ended_at >= now() - interval '1 minute'"
        )
        plan = "\n".join(line for (line,) in cursor.fetchall())

    assert "attempt_ended" in plan


def test_a_minute_is_written_and_read_again(of):
    mine = Queue(organization_id=of.pk, group="audit")
    stranger = Queue(organization_id=9_000_000_001, group="audit")
    with engine_scope(), transaction.atomic():
        minute = minutes.last_full() + timedelta(days=400)
        minutes.write({mine: Count(depth=7, failed=2), stranger: Count(depth=1)}, minute)
        past = minutes.read(minute + 2 * minutes.MINUTE, 3)
        transaction.set_rollback(True)

    assert past == [{}, {mine: Count(depth=7, failed=2)}, {}]


def test_old_minutes_are_forgotten(of):
    mine = Queue(organization_id=of.pk, group="audit")
    with engine_scope(), transaction.atomic():
        now = minutes.last_full()
        for hours in (0, 47, 49):
            minutes.write({mine: Count(depth=hours + 1)}, now - timedelta(hours=hours))

        minutes.remove_old(now)

        kept = MinuteCount.objects.filter(organization=of).values_list("depth", flat=True)
        assert sorted(kept) == [1, 48]


def test_an_organization_reads_the_minutes_of_its_own(of):
    mine = Queue(organization_id=of.pk, group="audit")
    other = Queue(organization_id=organization().pk, group="audit")
    with engine_scope(), transaction.atomic():
        now = minutes.last_full()
        minutes.write({mine: Count(depth=1), other: Count(depth=2)}, now)

    with at(of):
        [row] = minutes.series(of.pk, ["audit"], now)
        assert minutes.series(other.organization_id, ["audit"], now) == []

    assert (row.depth, row.minute) == (1, now)


def test_everybody_who_waits_is_counted_however_many_they_are(of):
    crowd = {8_200_000_000 + number: uuid4().hex for number in range(250)}
    queues().enqueue(
        Entry(organization_id=key, group="audit", message_id=message, body=b"{}")
        for key, message in crowd.items()
    )

    counted = {queue.organization_id for queue in minutes.waiting() if queue.group == "audit"}

    assert set(crowd) <= counted
    for key, message in crowd.items():
        queues().remove("audit", key, [message])
