"""begin_effect: an outside effect has one id, whichever attempt it goes out on."""

from datetime import timedelta

import pytest

from jobs.ledger import transitions
from jobs.ledger.failures import Failure
from tests.factories.jobs import at, claim, fall_silent, row, running_job, worker

pytestmark = pytest.mark.django_db


def begin(job, effect_id) -> str:
    with at(job.ref.organization_id):
        return transitions.begin_effect(job, effect_id)


def test_an_effect_is_noted_before_it_happens():
    job = running_job()

    assert begin(job, "msg-1") == "msg-1"
    assert (row(job.ref).effect_id, row(job.ref).effect_state) == ("msg-1", "begun")


def test_the_id_noted_first_holds_within_an_attempt():
    job = running_job()
    begin(job, "msg-1")

    assert begin(job, "msg-2") == "msg-1"


def test_the_id_noted_first_holds_on_the_attempt_after_a_failure():
    job = running_job()
    begin(job, "msg-1")
    with at(job.ref.organization_id):
        transitions.retry(job, delay=timedelta(0), failure=Failure(error_class="E", message="m"))

    again = claim(job.ref).claimed

    assert (again.effect_id, again.effect_state) == ("msg-1", "begun")
    assert begin(again, "msg-2") == "msg-1"


def test_the_id_noted_first_holds_after_its_worker_died():
    silent = worker()
    job = running_job(worker_id=silent)
    begin(job, "msg-1")
    fall_silent(silent)

    assert begin(claim(job.ref).claimed, "msg-2") == "msg-1"


def test_the_id_noted_first_holds_after_a_person_replayed_the_job():
    job = running_job()
    begin(job, "msg-1")
    with at(job.ref.organization_id):
        transitions.bury(job, reason="x", failure=Failure(error_class="E", message="m"))
        transitions.replay([job.ref], handled_by="system", reason="again")

    assert begin(claim(job.ref).claimed, "msg-2") == "msg-1"


def test_settling_confirms_the_effect_that_was_begun():
    job = running_job()
    begin(job, "msg-1")

    with at(job.ref.organization_id):
        transitions.settle(job)

    assert row(job.ref).effect_state == "confirmed"


def test_settling_without_an_effect_confirms_none():
    job = running_job()

    with at(job.ref.organization_id):
        transitions.settle(job)

    assert row(job.ref).effect_state == "not_begun"
