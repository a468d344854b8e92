"""The counts of a minute: what waited in Redis, and what is kept."""

from datetime import timedelta
from uuid import uuid4

import pytest
from django.db import connection, transaction

from jobs.alerts import minutes
from jobs.alerts.conditions import Count, Queue
from jobs.alerts.models import MinuteCount
from jobs.broker.messages import Entry
from jobs.ledger import relay
from jobs.ledger.publish import queues
from tenancy.scope import engine_scope
from tests.factories import organization
from tests.factories.jobs import at, dead_job, queued_jobs

pytestmark = pytest.mark.django_db(transaction=True)

GROUP = "backfill"


@pytest.fixture
def of(redis_url):
    relay.recover()
    return organization()


def test_what_waits_is_counted_by_organization_and_for_the_whole_group(of):
    queued_jobs(of, 3)

    waiting = minutes.waiting()

    assert waiting[Queue(organization_id=of.pk, group=GROUP)].depth == 3
    assert waiting[Queue(organization_id=None, group=GROUP)].depth >= 3


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
