"""in_hand: a job that this process claimed twice, because its lease was lost between, is two."""

import threading
import time

import pytest

from jobs.errors import Cancelled
from jobs.execution import in_hand as in_hand_module
from jobs.execution.claiming import claim
from jobs.execution.in_hand import in_hand
from jobs.execution.leases import leases
from tests.factories.jobs import claimed_job, fall_silent, queued_job, started
from tests.threads import elsewhere
from tests.waiting import eventually

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def twice():
    """A job that was claimed again under its first claim, as after a pause of the whole process."""
    ref = queued_job()
    leases._beat()
    [first] = claim([ref], suspects=True)
    fall_silent(leases.worker_id)
    [second] = claim([ref], suspects=True)
    first, second = started(first.answer), started(second.answer)
    assert (first.fence, second.fence) == (1, 2)
    yield first, second
    in_hand.drop(first)
    in_hand.drop(second)


def test_the_end_of_the_first_leaves_the_second_in_hand(twice):
    first, second = twice

    in_hand.drop(first)

    assert second.ref in in_hand


def spin():
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        pass


def test_the_second_is_interrupted_although_the_first_came_to_its_end(twice, monkeypatch):
    monkeypatch.setattr(in_hand_module, "CANCEL_GRACE", in_hand_module.timedelta(0))
    first, second = twice
    acts = threading.Event()

    def act():
        with in_hand.acting(second):
            acts.set()
            spin()

    with elsewhere() as begin:
        with in_hand.acting(first):
            acting = begin(act)
            acts.wait(20)
        in_hand.drop(first)
        in_hand.ask_to_end([second.ref])

        eventually(lambda: list(in_hand.interrupt_overdue()))
        with pytest.raises(Cancelled):
            acting.result(20)

    assert in_hand.is_asked_to_end(second)


def test_whoever_asks_for_the_end_of_a_job_that_is_being_claimed_is_heard(transactional_db):
    job, other = claimed_job(), claimed_job()

    with in_hand.expecting([job.ref, other.ref]):
        in_hand.ask_to_end([job.ref])
        in_hand.take(job)
        in_hand.take(other)

    assert [in_hand.is_asked_to_end(one) for one in (job, other)] == [True, False]
    in_hand.drop(job)
    in_hand.drop(other)
