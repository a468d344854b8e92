"""run_job: what becomes of a message follows from what the ledger says of its job."""

from concurrent.futures import Future
from datetime import timedelta

import dramatiq
import pytest
from django.db import connection
from dramatiq.middleware import CurrentMessage

from jobs.broker.messages import Ack, RetryAfter
from jobs.execution import run as run_module
from jobs.execution.claiming import claim_fetched
from jobs.execution.in_hand import in_hand
from jobs.execution.leases import leases
from jobs.execution.run import run_job
from jobs.ledger import transitions
from tenancy import changes
from tenancy.acting import Actor
from tenancy.models import Membership
from tests.factories import member, organization
from tests.factories.jobs import (
    LEASE,
    at,
    claim,
    dead_job,
    fall_silent,
    queued_job,
    row,
    running_job,
    started,
    worker,
)
from tests.integration.jobs.execution.handed import message
from tests.threads import elsewhere
from tests.waiting import eventually

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def alive(transactional_db):
    """This process as a worker that the ledger knows."""
    leases._beat()


def run(ref, mine=None):
    """As a thread of the worker does; what the consumer is to do with the message."""
    mine, current = mine or message(ref), CurrentMessage()
    current.before_process_message(dramatiq.get_broker(), mine)
    try:
        run_job()
    finally:
        current.after_process_message(dramatiq.get_broker(), mine)
    decided = mine.disposition
    return decided.result(20) if isinstance(decided, Future) else decided


def test_one_that_another_worker_has_comes_again(declare):
    ref = running_job().ref

    again = run(ref)

    assert isinstance(again, RetryAfter)
    assert timedelta(0) < again.delay <= LEASE
    assert (row(ref).state, row(ref).fence) == ("running", 1)


def test_one_that_is_finished_is_acknowledged(declare):
    assert run(dead_job()) == Ack()


def test_one_that_succeeds_is_acknowledged_and_in_hand_no_more(declare):
    ref = queued_job(job_type=declare(lambda run: None))

    done = run(ref)

    assert isinstance(done, Ack)
    assert row(ref).state == "succeeded"
    assert ref not in in_hand


def test_one_under_which_a_worker_died_runs_alone(declare):
    ref, silent = queued_job(job_type=declare(lambda run: None)), worker()
    started(claim(ref, silent))
    fall_silent(silent)

    assert isinstance(run(ref), Ack)
    assert row(ref).state == "succeeded"


def test_one_that_was_lost_on_the_way_comes_again_to_be_told_what_became_of_it(declare):
    def lose(run):
        with elsewhere() as begin:
            begin(fall_silent, leases.worker_id).result()
            begin(claim, run.job.ref).result()

    ref = queued_job(job_type=declare(lose, effect="outside"))

    assert isinstance(run(ref), RetryAfter)
    assert (row(ref).state, row(ref).fence) == ("running", 2)


def test_one_that_acts_outside_and_does_not_settle_is_settled(declare):
    ref = queued_job(job_type=declare(lambda run: None, effect="outside"))

    assert isinstance(run(ref), Ack)
    assert row(ref).state == "succeeded"


def test_one_whose_end_could_not_be_written_goes_back(declare, monkeypatch):
    def away(*_, **__):
        connection.cursor().execute("SELECT 1 / 0")

    def fail(run):
        raise RuntimeError

    ref = queued_job(job_type=declare(fail))
    with monkeypatch.context() as broken:
        broken.setattr(transitions, "retry", away)
        assert isinstance(run(ref), RetryAfter)
    assert row(ref).state == "running"

    leases._release()

    assert (row(ref).state, row(ref).attempt) == ("queued", 0)


def fetched(ref):
    """Its message, claimed with others in a batch."""
    mine = message(ref)
    claim_fetched([mine])
    assert mine.claim.claimed
    return mine


def test_what_was_claimed_before_this_worker_stood_still_does_not_start(declare, settings):
    ran = []
    ref = queued_job(job_type=declare(ran.append))
    mine = fetched(ref)
    settings.JOBS_LEASE_SECONDS = 0.01
    leases._beat()
    eventually(lambda: not leases.have_held(mine.claim.at))
    settings.JOBS_LEASE_SECONDS = 30
    leases._beat()

    assert isinstance(run(ref, mine), RetryAfter)
    assert (ran, row(ref).state, row(ref).attempt) == ([], "queued", 0)
    assert ref not in in_hand


def test_who_acts_is_looked_up_again_when_the_claim_is_no_longer_fresh(declare, monkeypatch):
    monkeypatch.setattr(run_module, "FRESH_SECONDS", 0.0)
    of, ran = organization(), []
    editor = member(of, role="editor")
    ref = queued_job(of, declare(ran.append), actor_id=str(Actor.user(editor.pk)))
    mine = fetched(ref)
    with at(of):
        changes.delete(Membership.objects.get(organization=of, user=editor))

    run(ref, mine)

    assert (ran, row(ref).state, row(ref).reason) == ([], "dead", "authorization_revoked")
