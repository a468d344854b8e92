"""asked_to_end: a worker hears which of its jobs somebody wants to end."""

import pytest

from jobs.ledger import transitions
from tenancy.postgresql.flush import flush
from tenancy.scope import engine_scope
from tests.factories import organization
from tests.factories.jobs import at, claim, fall_silent, running_job, worker

pytestmark = pytest.mark.django_db


def told(worker_id, *jobs, within=None):
    """As the worker that has these; in whose scope, else in everybody's."""
    with at(within) if within else engine_scope():
        refs = [job.ref for job in jobs]
        return transitions.asked_to_end(
            flush(transitions.asking_whether_to_end(refs, worker_id=worker_id))
        )


def asked(job):
    with at(job.organization_id):
        transitions.request_cancel([job.ref])
    return job


def test_those_are_told_that_somebody_asked_for_and_that_it_named():
    mine = worker()
    unasked = running_job(worker_id=mine)
    job, unnamed = (asked(running_job(worker_id=mine)) for _ in range(2))

    assert told(mine, job, unasked) == [job.ref]
    assert told(mine, unnamed) == [unnamed.ref]


def test_of_what_another_one_has_nothing_is_told():
    assert told(worker(), asked(running_job())) == []


def test_of_what_was_taken_from_it_only_the_one_that_has_it_hears():
    mine, other = worker(), worker()
    job = asked(running_job(worker_id=mine))
    fall_silent(mine)
    claim(job.ref, other)

    assert told(mine, job) == []
    assert told(other, job) == [job.ref]


def test_of_what_has_ended_nothing_is_told():
    mine = worker()
    job = asked(running_job(worker_id=mine))
    with at(job.organization_id):
        transitions.settle(job)

    assert told(mine, job) == []


def test_in_the_scope_of_one_organization_nothing_is_told_of_another():
    mine, ours = worker(), organization()
    theirs, job = asked(running_job(worker_id=mine)), asked(running_job(ours, worker_id=mine))

    assert told(mine, theirs, job, within=ours) == [job.ref]
