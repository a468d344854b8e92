"""beat: a worker's sign of life, and what it says of its jobs."""

from datetime import timedelta

import pytest
from django.db import transaction

from jobs.ledger import transitions
from jobs.ledger.models import Worker
from jobs.ledger.statements import run
from tenancy.scope import engine_scope
from tests.factories.jobs import (
    at,
    claim,
    claimed_job,
    fall_silent,
    row,
    running_job,
    worker,
)
from tests.threads import elsewhere

pytestmark = pytest.mark.django_db(transaction=True)

HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)


def beat(worker_id, *ran):
    """As the worker that runs these, each for so long; whose start was noted."""
    of = {"host": "host", "pid": 1, "queue_groups": "[]", "version": "1"}
    runs = {"begun": [job.ref.job_id for job, _ in ran], "ran": [long for _, long in ran]}
    with engine_scope(), transaction.atomic():
        rows = run("beat", {"id": worker_id} | runs | of)
    return [(row["organization_id"], row["id"]) for row in rows]


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


def test_the_start_of_what_runs_is_noted():
    mine = worker()
    runs, waits = (claimed_job(worker_id=mine) for _ in range(2))

    noted = beat(mine, (runs, HOUR))

    assert noted == [(runs.organization_id, runs.ref.job_id)]
    after = row(runs.ref)
    assert HOUR - MINUTE < after.claimed_at - after.started_at < HOUR
    assert row(waits.ref).started_at is None


def test_each_began_when_it_began():
    mine = worker()
    jobs = [claimed_job(worker_id=mine) for _ in range(3)]
    ran = [number * HOUR for number in (2, 1, 3)]

    beat(mine, *zip(jobs, ran, strict=True))

    ages = [row(job.ref).claimed_at - row(job.ref).started_at for job in jobs]
    assert [age - age % MINUTE + MINUTE for age in ages] == ran


def test_a_start_is_noted_once():
    mine = worker()
    job = claimed_job(worker_id=mine)
    beat(mine, (job, HOUR))
    first = row(job.ref).started_at

    beat(mine, (job, 2 * HOUR))

    assert row(job.ref).started_at == first


def test_what_somebody_has_locked_is_left_for_the_next_beat():
    mine = worker()
    locked, free = (claimed_job(worker_id=mine) for _ in range(2))
    ran = [(locked, HOUR), (free, HOUR)]

    with elsewhere() as begin, at(locked.organization_id):
        transitions.request_cancel([locked.ref])
        begin(beat, mine, *ran).result(20)

    assert row(free.ref).started_at
    assert row(locked.ref).started_at is None
    beat(mine, *ran)
    assert row(locked.ref).started_at


def test_the_start_of_what_another_one_has_is_not_noted():
    mine = worker()
    job = claimed_job(worker_id=mine)
    fall_silent(mine)
    claim(job.ref)
    taken = row(job.ref).started_at

    beat(mine, (job, HOUR))

    assert row(job.ref).started_at == taken
    theirs = claimed_job()
    beat(mine, (theirs, HOUR))
    assert row(theirs.ref).started_at is None


def test_the_start_of_what_has_gone_back_is_not_noted():
    mine = worker()
    job = claimed_job(worker_id=mine)
    with at(job.organization_id):
        transitions.give_back([job])

    beat(mine, (job, HOUR))

    assert row(job.ref).started_at is None


def test_a_worker_that_runs_two_claims_of_one_job_lives_and_tells_of_the_later():
    mine = worker()
    late = claimed_job(worker_id=mine)
    now = claim(late.ref, mine, suspects=False).claimed

    beat(mine, (late, 9 * HOUR), (now, HOUR))

    after = row(now.ref)
    assert HOUR - MINUTE < after.claimed_at - after.started_at < HOUR
