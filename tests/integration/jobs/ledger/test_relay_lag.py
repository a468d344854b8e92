"""relay_lag: for how long what ought to be in Redis is not."""

from datetime import timedelta

import pytest
from django.db import transaction

from jobs.ledger import figures, transitions
from jobs.ledger.states import Hold
from jobs.scheduler import publish_all_due
from tenancy.scope import engine_scope
from tests.factories.jobs import at, dead_job, running_job
from tests.integration.jobs.ledger.letters import replay
from tests.integration.jobs.ledger.unpublished import (
    crashed_before_publish,
    scheduled_job,
    unpublished_job,
)
from tests.waiting import eventually

pytestmark = pytest.mark.django_db(transaction=True)

HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)


@pytest.fixture(autouse=True)
def nobody_waits(line):
    """What others left is published."""
    eventually(lambda: publish_all_due() is None and lag() < MINUTE)


def lag() -> timedelta:
    with engine_scope(), transaction.atomic():
        return figures.relay_lag()


def test_what_is_for_later_is_none():
    scheduled_job(due_in=HOUR)

    eventually(lambda: publish_all_due() is None and lag() == timedelta(0))


def test_it_is_since_the_oldest_was_due():
    scheduled_job(due_in=-HOUR)
    scheduled_job(due_in=-MINUTE)

    assert HOUR <= lag() < HOUR + MINUTE


def test_it_is_since_a_crash():
    unpublished_job(age="1 hour")

    assert HOUR <= lag() < HOUR + MINUTE


def test_what_redis_was_told_of_is_none():
    unpublished_job(age="1 hour")
    publish_all_due()

    assert lag() < MINUTE


def test_what_is_held_is_none():
    job = running_job()
    crashed_before_publish(job.ref, age="1 hour")
    with at(job.organization_id):
        transitions.hold(job, Hold.BREAKER)

    assert lag() < MINUTE


def test_what_was_just_replayed_is_none_however_old_it_is():
    ref = crashed_before_publish(dead_job(), age="1 hour")
    replay(ref)

    assert lag() < MINUTE
