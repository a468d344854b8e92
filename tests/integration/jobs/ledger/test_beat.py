"""beat: a worker's sign of life, and what it is told in return."""

import pytest
from django.db import transaction

from jobs.ledger import transitions
from jobs.ledger.models import Worker
from jobs.ledger.statements import run
from jobs.ledger.transitions import JobRef
from tenancy.scope import engine_scope
from tests.factories.jobs import (
    at,
    claim,
    fall_silent,
    running_job,
    worker,
)

pytestmark = pytest.mark.django_db


def beat(worker_id, *jobs):
    """As the worker that runs these; the jobs whose end was asked for."""
    of = {"host": "host", "pid": 1, "queue_groups": "[]", "version": "1"}
    with engine_scope(), transaction.atomic():
        rows = run("beat", {"id": worker_id, "job_ids": [ref.job_id for ref in jobs]} | of)
    return [JobRef(organization_id=row["organization_id"], job_id=row["id"]) for row in rows]


def asked(job):
    with at(job.organization_id):
        transitions.request_cancel([job.ref])
    return job.ref


def test_a_worker_that_fell_silent_lives_again():
    mine = worker()
    ref = running_job(worker_id=mine).ref
    fall_silent(mine)

    beat(mine)

    assert claim(ref).answer == "held"


def test_one_that_had_signed_off_is_there_again():
    mine = worker()
    with engine_scope(), transaction.atomic():
        run("sign_off", {"id": mine})

    beat(mine)

    assert Worker.objects.get(pk=mine).stopped_at is None


def test_it_is_told_which_of_its_jobs_are_to_end():
    mine = worker()
    unasked = running_job(worker_id=mine).ref
    ref, unnamed = (asked(running_job(worker_id=mine)) for _ in range(2))

    assert beat(mine, ref, unasked) == [ref]
    assert unnamed in beat(mine, unnamed)


def test_it_is_told_nothing_of_what_another_one_has():
    ref = asked(running_job(worker_id=worker()))

    assert beat(worker(), ref) == []


def test_it_is_told_nothing_of_what_has_ended():
    mine = worker()
    job = running_job(worker_id=mine)
    asked(job)
    with at(job.organization_id):
        transitions.settle(job)

    assert beat(mine, job.ref) == []
