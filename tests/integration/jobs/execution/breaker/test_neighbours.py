"""What becomes of one destination changes nothing for another, in a scope of both."""

import pytest
from django.db import transaction

from jobs.execution.guard import guard
from jobs.ledger import breakers
from tenancy.scope import scope
from tests.factories import organization
from tests.factories.jobs import Note, running_job
from tests.integration.jobs.execution.breaker.destinations import (
    POLICY,
    declare_to,
    fail,
    key,
    state_of,
)

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(params=["organization", "job type", "destination"])
def neighbour(request, of, job_type, declare):
    """One that differs in this only: organization, job type, destination."""
    match request.param:
        case "organization":
            return organization(), job_type, "there"
        case "job type":
            return of, declare_to(declare, POLICY), "there"
        case _:
            return of, job_type, "elsewhere"


def failing(neighbour, times):
    of, job_type, to = neighbour
    fail(of, job_type, times, to=to)
    return state_of(*neighbour)


def test_closed_by_a_person_the_other_one_stays_open(of, job_type, neighbour):
    fail(of, job_type, 3)
    before = failing(neighbour, 3)

    with scope({of.pk, neighbour[0].pk}), transaction.atomic():
        assert breakers.close(key(of, job_type), reason="it is back")

    assert state_of(*neighbour) == before


def test_a_job_is_not_held_for_the_other_one(of, job_type, neighbour):
    fail(of, job_type)  # so that it is asked for at all
    before = failing(neighbour, 3)
    job = running_job(of, job_type=job_type, payload=Note(text="there"))

    with scope({of.pk, neighbour[0].pk}), guard(job):
        pass

    assert state_of(*neighbour) == before


def test_a_success_is_none_of_the_other_one(of, job_type, neighbour):
    fail(of, job_type)
    before = failing(neighbour, 2)
    job = running_job(of, job_type=job_type, payload=Note(text="there"))

    with scope({of.pk, neighbour[0].pk}), guard(job):
        pass

    assert state_of(of, job_type).failures == 0
    assert state_of(*neighbour) == before
