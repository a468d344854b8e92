"""guard: around an attempt; failures in a row open it, jobs are held, and one tries."""

from dataclasses import replace
from datetime import timedelta
from threading import Event

import pytest
from django.db import connection

from jobs.execution.guard import BreakerOpen, guard
from jobs.job_types import BreakerPolicy
from jobs.ledger import breakers, transitions
from jobs.ledger.breakers import Breaker
from jobs.scheduler import publish_all_due
from tenancy.scope import scope
from tests.factories import organization
from tests.factories.jobs import Note, at, claim, queued_job, row, running_job, started
from tests.integration.jobs.execution.breaker.destinations import (
    POLICY,
    Out,
    attempt,
    declare_to,
    fail,
    held,
    hours_open,
    key,
    now_due,
    set_back,
    state_of,
    steps,
)
from tests.integration.jobs.execution.looking import attempts, until
from tests.threads import elsewhere, until_somebody_waits_for_a_lock
from tests.waiting import eventually

pytestmark = pytest.mark.django_db(transaction=True)


def test_failures_in_a_row_open_it_and_jobs_are_held_uncounted(of, job_type):
    fail(of, job_type, 2)
    assert not state_of(of, job_type).is_open
    fail(of, job_type)

    ref = held(of, job_type)

    job = row(ref)
    assert (job.state, job.hold, job.attempt) == ("scheduled", "breaker", 0)
    assert state_of(of, job_type).is_open
    assert [one.outcome for one in attempts(ref)] in ([], ["released"])


def test_a_success_between_begins_the_count_anew(of, job_type):
    fail(of, job_type, 2)
    attempt(of, job_type)
    fail(of, job_type, 2)

    attempt(of, job_type)

    assert state_of(of, job_type).failures == 0


def test_an_error_that_is_no_outage_does_not_count(of, job_type):
    fail(of, job_type, 5, error=Out())

    assert state_of(of, job_type) is None


def test_another_destination_and_another_organization_are_not_held(of, job_type):
    fail(of, job_type, 3)

    attempt(of, job_type, to="elsewhere")
    attempt(organization(), job_type)


def test_a_job_type_without_a_breaker_never_has_one(of, declare):
    plain = declare(lambda run: None, effect="outside", max_retries=20)

    fail(of, plain, 12)

    with at(of):
        assert not Breaker.objects.filter(organization_id=of.pk).exists()


def test_what_began_before_it_opened_neither_closes_nor_lengthens_it(of, job_type):
    early = [running_job(of, job_type=job_type, payload=Note(text="there")) for _ in range(2)]
    with scope(of), guard(early[0]):
        fail(of, job_type, 3)
        until_before = state_of(of, job_type).open_until
    with scope(of), pytest.raises(BreakerOpen), guard(early[1]):
        pass

    assert state_of(of, job_type).open_until == until_before


def test_a_job_that_comes_when_nobody_tries_is_the_one(of, job_type):
    fail(of, job_type, 3)
    now_due(of)

    first = running_job(of, job_type=job_type, payload=Note(text="there"))
    with scope(of), guard(first):
        held(of, job_type)

    assert not state_of(of, job_type).is_open


@pytest.mark.parametrize(("probes", "hours"), [(1, 2), (2, 3), (5, 3)])
def test_each_failed_probe_opens_it_for_twice_as_long_up_to_the_longest(
    of, job_type, probes, hours
):
    fail(of, job_type, 3)
    for _ in range(probes):
        now_due(of)
        fail(of, job_type)

    assert hours_open(of) == hours


def test_a_probe_that_ends_otherwise_lets_another_one_try(of, job_type):
    fail(of, job_type, 3)
    now_due(of)

    fail(of, job_type, error=Out())

    state = state_of(of, job_type)
    assert state.is_open
    assert state.probe_job_id is None
    attempt(of, job_type)
    assert not state_of(of, job_type).is_open


def test_a_hold_that_comes_too_late_is_refused(of, job_type):
    fail(of, job_type, 3)
    job = running_job(of, job_type=job_type, payload=Note(text="there"))
    with at(of):
        transitions.settle(job)

    with scope(of), pytest.raises(transitions.LeaseLost), guard(job):
        pass

    assert row(job.ref).state == "succeeded"


def test_what_was_held_can_be_cancelled(of, job_type):
    fail(of, job_type, 3)
    ref = held(of, job_type)

    with at(of):
        assert transitions.cancel([ref], reason="cancelled")

    assert (row(ref).state, row(ref).hold) == ("cancelled", None)


def test_two_organizations_do_not_see_each_other_s(of, job_type):
    fail(of, job_type, 3)

    with at(organization()):
        assert breakers.state_of(key(of, job_type)) is None


def test_a_worker_holds_what_comes_behind_an_open_one(of, declare, worker):
    ran = []

    def perform(run):
        ran.append(run.job.ref)
        raise ConnectionError("away")

    job_type = declare(
        perform,
        effect="outside",
        breaker=BreakerPolicy(outages=(ConnectionError,), failures=2, open_for=timedelta(hours=1)),
        max_retries=1,
    )
    until(queued_job(of, job_type), "dead")

    ref = queued_job(of, job_type)

    job = until(ref, "scheduled")
    assert (job.hold, job.attempt) == ("breaker", 0)
    assert ref not in ran
    assert claim(ref).answer == "finished"  # its message, should one come, is acknowledged


def test_a_failure_of_what_began_before_it_opened_does_not_lengthen_it(of, job_type):
    early = running_job(of, job_type=job_type, payload=Note(text="there"))

    def fail_late():
        with scope(of), guard(early):
            fail(of, job_type, 3)
            opened.append(state_of(of, job_type))
            raise ConnectionError("away")

    opened = []
    with pytest.raises(ConnectionError):
        fail_late()

    assert state_of(of, job_type) == opened[0]


def test_what_began_before_and_ends_otherwise_leaves_the_one_that_tries(of, job_type):
    early = running_job(of, job_type=job_type, payload=Note(text="there"))
    trying = running_job(of, job_type=job_type, payload=Note(text="there"))
    go_on = Event()

    def attempt_slowly():
        with scope(of), guard(trying):
            go_on.wait(20)

    def end_late(begin):
        with scope(of), guard(early):
            fail(of, job_type, 3)
            now_due(of)
            begin(attempt_slowly)
            eventually(lambda: state_of(of, job_type).probe_job_id)
            raise Out

    with elsewhere() as begin:
        with pytest.raises(Out):
            end_late(begin)
        probe_job_id = state_of(of, job_type).probe_job_id
        go_on.set()

    assert probe_job_id == trying.ref.job_id


def test_the_one_that_was_let_go_to_try_goes(of, job_type):
    fail(of, job_type, 3)
    ref = held(of, job_type)
    now_due(of)
    steps(lambda: row(ref).hold is None)
    publish_all_due()

    attempt(of, job_type, job=started(claim(ref)))

    state = state_of(of, job_type)
    assert (state.is_open, state.probe_job_id) == (False, None)


def test_when_the_one_that_tries_is_lost_the_next_that_comes_tries(of, job_type):
    fail(of, job_type, 3)
    ref = held(of, job_type)
    now_due(of)
    steps(lambda: row(ref).hold is None)
    now_due(of)

    attempt(of, job_type)

    assert not state_of(of, job_type).is_open


def test_of_two_that_come_at_once_one_tries(of, job_type):
    fail(of, job_type, 3)
    now_due(of)
    jobs = [running_job(of, job_type=job_type, payload=Note(text="there")) for _ in range(2)]
    decided, go_on = [], Event()

    def come(job):
        try:
            with scope(of), guard(job):
                decided.append("tries")
                go_on.wait(20)
        except BreakerOpen:
            decided.append("held")

    with elsewhere() as begin:
        with at(of), connection.cursor() as cursor:
            cursor.execute(
                "SELECT FROM jobs_breaker WHERE organization_id = %s FOR UPDATE", [of.pk]
            )
            for job in jobs:
                begin(come, job)
            until_somebody_waits_for_a_lock(2)
        eventually(lambda: len(decided) == 2)
        go_on.set()

    assert sorted(decided) == ["held", "tries"]


def test_a_probe_that_fails_is_the_probe_no_more(of, job_type):
    fail(of, job_type, 3)
    now_due(of)

    fail(of, job_type)

    assert state_of(of, job_type).probe_job_id is None


def test_however_often_it_has_opened_it_opens_for_the_longest(of, job_type):
    fail(of, job_type, 3)
    set_back(of, "openings = 5000")
    now_due(of)

    fail(of, job_type)

    assert hours_open(of) == 3


def test_where_one_failure_is_enough_the_first_opens_it(of, declare):
    once = declare_to(declare, replace(POLICY, failures=1))

    fail(of, once)
    assert hours_open(of) == 1

    now_due(of)
    fail(of, once)
    assert hours_open(of) == 2


def test_the_log_tells_of_a_closing_and_of_no_other_success(of, job_type, logged):
    def closings():
        return [one["event"] for one in logged()].count("breaker_closed")

    fail(of, job_type)
    attempt(of, job_type)
    assert closings() == 0

    fail(of, job_type, 3)
    now_due(of)
    attempt(of, job_type)
    assert closings() == 1
