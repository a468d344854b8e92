"""A fetched batch is claimed in one statement; only what is to run reaches a thread."""

import threading
from datetime import timedelta

import pytest
from django.db import connection

from jobs.broker.messages import Ack, RetryAfter
from jobs.broker.notices import listener
from jobs.execution import claiming
from jobs.execution.claiming import claim_fetched, give_back_unstarted
from jobs.execution.in_hand import in_hand
from jobs.execution.leases import leases
from jobs.ledger import control_copy, transitions
from jobs.ledger.failures import Failure
from jobs.ledger.publish import queues
from jobs.ledger.transitions import JobRef
from tests.factories import organization
from tests.factories.jobs import (
    LEASE,
    at,
    claim,
    dead_job,
    fall_silent,
    queue_control,
    queued_job,
    queued_jobs,
    row,
    running_job,
    started,
    worker,
)
from tests.integration.jobs.execution.handed import message
from tests.integration.jobs.execution.looking import attempts, until
from tests.waiting import eventually

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def fetched(transactional_db):
    """Messages that name jobs, after the hook."""
    handed_over = []

    def fetched(*refs):
        messages = [message(ref) for ref in refs]
        claim_fetched(messages)
        handed_over.extend(messages)
        return messages

    yield fetched
    for one in handed_over:
        if one.claim and one.claim.claimed:
            in_hand.drop(one.claim.claimed)


def test_each_message_gets_its_answer(fetched):
    one, other = organization(), organization()
    silent = worker()
    suspect = started(claim(queued_job(one), silent)).ref
    fall_silent(silent)
    backing_off = running_job(other)
    with at(other):
        failure = Failure(error_class="E", message="m")
        transitions.retry(backing_off, delay=timedelta(minutes=5), failure=failure)
    refs = {
        "claimed": queued_job(one),
        "finished": dead_job(other),
        "held": running_job(one).ref,
        "not_due": backing_off.ref,
        "suspect": suspect,
    }

    messages = dict(zip(refs, fetched(*refs.values()), strict=True))

    assert {name: message.claim.answer.answer for name, message in messages.items()} == {
        name: name for name in refs
    }
    assert messages["finished"].disposition == Ack()
    for name in ("held", "not_due"):
        assert isinstance(messages[name].disposition, RetryAfter)
    assert messages["claimed"].disposition is None
    assert messages["suspect"].disposition is None
    assert refs["claimed"] in in_hand
    assert refs["held"] not in in_hand


def test_a_forged_pair_beside_honest_ones_touches_nothing(fetched):
    ours, theirs = organization(), organization()
    honest, victim = [queued_job(ours), queued_job(theirs)], queued_job(theirs)
    forged = JobRef(organization_id=ours.pk, job_id=victim.job_id)

    *others, bad = fetched(*honest, forged)

    assert [one.claim.answer.answer for one in others] == ["claimed", "claimed"]
    assert (bad.claim.answer.answer, bad.claim.claimed) == ("unknown", None)
    assert (row(victim).state, row(victim).fence) == ("queued", 0)


def test_the_batch_of_a_worker_that_died_runs_one_by_one_and_nothing_is_counted(
    declare, start_worker
):
    of, silent, together = organization(), worker(), []

    def perform(run):
        together.append(len(in_hand.running()))

    refs = queued_jobs(of, 20, declare(perform))
    with at(of):
        transitions.claim(refs, worker_id=silent, lease=LEASE, suspects=False)
    fall_silent(silent)

    start_worker(threads=4)

    ended = [until(ref, "succeeded") for ref in refs]
    assert set(together) == {1}
    assert {(one.losses, one.attempt) for one in ended} == {(0, 1)}
    told = {tuple(attempt.outcome for attempt in attempts(ref)) for ref in refs}
    assert told == {("released", "succeeded")}


def test_what_goes_back_is_free_at_once_and_uncounted(fetched):
    of = organization()
    messages = fetched(*queued_jobs(of, 3))
    refs = [message.claim.answer.ref for message in messages]

    give_back_unstarted(messages)

    assert {(row(ref).state, row(ref).attempt) for ref in refs} == {("queued", 0)}
    assert not [ref for ref in refs if ref in in_hand]
    assert {claim(ref).answer for ref in refs} == {"claimed"}


def test_what_could_not_go_back_does_with_the_next_heartbeat(fetched, monkeypatch):
    [message] = fetched(queued_job())
    ref = message.claim.answer.ref

    def away(*_, **__):
        connection.cursor().execute("SELECT 1 / 0")

    with monkeypatch.context() as broken:
        broken.setattr(transitions, "give_back", away)
        give_back_unstarted([message])
    assert row(ref).state == "running"
    leases._release()

    assert row(ref).state == "queued"


def test_a_claim_whose_answer_was_lost_is_made_again_by_the_same_worker(fetched):
    ref = queued_job()
    claim(ref, leases.worker_id)

    [message] = fetched(ref)

    assert (message.claim.answer.answer, message.claim.claimed.fence) == ("claimed", 2)


def test_without_postgresql_each_thread_claims_for_itself(declare, start_worker, monkeypatch):
    monkeypatch.setattr(claiming, "PATIENCE", claiming.Statement(name="x", sql="SELECT 1 / 0"))
    ref = queued_job(job_type=declare(lambda run: None))

    start_worker()

    until(ref, "succeeded")


def test_prefetched_jobs_of_a_queue_that_is_paused_do_not_start(declare, start_worker):
    begun, go_on, ran = threading.Event(), threading.Event(), []
    of = organization()

    def perform(run):
        ran.append(run.job.ref)
        begun.set()
        go_on.wait(20)

    refs = queued_jobs(of, 8, declare(perform))
    start_worker(threads=1)
    begun.wait(20)
    eventually(lambda: sum(row(ref).state == "running" for ref in refs) > 1)

    queue_control(of, is_paused=True)
    control_copy.push(of.pk, ["backfill"])
    eventually(lambda: listener.is_paused("backfill", of.pk))
    go_on.set()

    eventually(lambda: queues().depth("backfill", of.pk).waiting == 7)
    assert len(ran) == 1
    states = [row(ref) for ref in refs if ref not in ran]
    assert {(one.state, one.attempt) for one in states} == {("queued", 0)}
