"""give_back: what did not start goes back, at once or as soon as the database answers."""

import pytest
from django.db import connection

from jobs.execution.claiming import claim
from jobs.execution.in_hand import in_hand
from jobs.execution.leases import leases
from jobs.ledger import transitions
from tests.factories.jobs import queued_job, row

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def claimed(transactional_db):
    """A job that this worker claimed, and did not start."""
    leases._beat()
    [answer] = claim([queued_job()], suspects=False)
    yield answer.claimed
    in_hand.drop(answer.claimed)


def away(*_, **__):
    connection.cursor().execute("SELECT 1 / 0")


def test_it_goes_back_at_once(claimed):
    leases.give_back([claimed])

    assert (row(claimed.ref).state, row(claimed.ref).attempt) == ("queued", 0)
    assert claimed.ref not in in_hand


def test_one_that_was_claimed_again_before_it_could_go_back_stays(claimed, monkeypatch):
    with monkeypatch.context() as broken:
        broken.setattr(transitions, "give_back", away)
        leases.give_back([claimed])
    [again] = claim([claimed.ref], suspects=False)

    leases._release()

    assert (row(claimed.ref).state, row(claimed.ref).fence) == ("running", 2)
    in_hand.drop(again.claimed)
