"""step: where time is over one job tries; what closed ones held goes on, paced; whole ones go."""

import pytest
from django.db import connection

from jobs.ledger import breakers, transitions
from jobs.ledger.breakers import Breaker
from tests.factories import organization
from tests.factories.jobs import at, row
from tests.integration.jobs.execution.breaker.destinations import (
    attempt,
    closed,
    fail,
    gone_on,
    held,
    holds,
    now_due,
    set_back,
    state_of,
    steps,
)
from tests.threads import elsewhere

pytestmark = pytest.mark.django_db(transaction=True)


def test_one_job_tries_when_its_time_is_over_and_the_others_stay(of, job_type):
    fail(of, job_type, 3)
    refs = [held(of, job_type) for _ in range(3)]
    now_due(of)

    steps(lambda: None in holds(refs))
    breakers.step()

    assert holds(refs) == [None, "breaker", "breaker"]
    assert state_of(of, job_type).probe_job_id == refs[0].job_id
    held(of, job_type)


def test_a_probe_that_is_lost_lets_another_one_try(of, job_type):
    fail(of, job_type, 3)
    refs = [held(of, job_type) for _ in range(2)]
    now_due(of)
    steps(lambda: None in holds(refs))

    now_due(of)
    steps(lambda: holds(refs) == [None, None])

    assert state_of(of, job_type).probe_job_id == refs[1].job_id


def test_when_it_closes_the_held_ones_go_on_twice_as_many_each_step(of, job_type):
    fail(of, job_type, 3)
    refs = [held(of, job_type) for _ in range(6)]
    now_due(of)
    attempt(of, job_type)

    counts = []
    for _ in range(3):
        breakers.step()
        counts.append(gone_on(refs))

    assert counts == [1, 3, 6]


@pytest.mark.parametrize("open_until", [None, "2000-01-01T00:00Z"])
def test_another_organization_with_many_failing_destinations_takes_no_turn(
    of, job_type, open_until
):
    other = organization()
    fail(of, job_type, 3)
    refs = [held(of, job_type) for _ in range(2)]
    now_due(of)
    if open_until is None:
        attempt(of, job_type)
    with at(other):
        Breaker.objects.bulk_create(
            Breaker(
                organization_id=other.pk,
                job_type=job_type.name,
                destination=str(number),
                failures=1,
                open_until=open_until,
                stepped_at="2000-01-01T00:00Z",
            )
            for number in range(breakers.MOST + 1)
        )

    breakers.step()

    assert gone_on(refs) == 1


def test_it_is_forgotten_once_all_went_on(of, job_type):
    fail(of, job_type, 3)
    ref = held(of, job_type)
    now_due(of)
    attempt(of, job_type)

    steps(lambda: state_of(of, job_type) is None)

    assert row(ref).hold is None


def test_one_that_holds_jobs_is_never_forgotten(of, job_type):
    fail(of, job_type, 3)
    ref = held(of, job_type)
    with at(of):
        Breaker.objects.filter(organization_id=of.pk).update(
            open_until="2000-01-01T00:00Z",
            failed_at="2000-01-01T00:00Z",
            probe_until="2999-01-01T00:00Z",
        )
        Breaker.objects.filter(organization_id=of.pk).update(probe_job_id=ref.job_id)

    breakers.step()

    assert state_of(of, job_type) is not None


def test_before_its_time_nobody_tries(of, job_type):
    fail(of, job_type, 3)
    ref = held(of, job_type)

    breakers.step()

    assert row(ref).hold == "breaker"


def test_no_more_than_the_fastest_go_on_in_one_step(of, job_type, monkeypatch):
    monkeypatch.setattr(breakers, "FASTEST", 2)
    refs = closed(of, job_type, 6)

    counts = []
    for _ in range(3):
        breakers.step()
        counts.append(gone_on(refs))

    assert counts == [1, 3, 5]


def test_the_oldest_goes_on_first_and_knows_no_breaker_any_more(of, job_type):
    first, second = closed(of, job_type, 2)

    breakers.step()

    assert holds([first, second]) == [None, "breaker"]
    assert row(first).breaker_id is None


def test_the_one_that_tries_knows_no_breaker_any_more(of, job_type):
    fail(of, job_type, 3)
    ref = held(of, job_type)
    now_due(of)

    steps(lambda: row(ref).hold is None)

    assert row(ref).breaker_id is None


def test_what_is_held_for_another_destination_stays(of, job_type):
    fail(of, job_type, 3, to="elsewhere")
    other = held(of, job_type, "elsewhere")
    back = closed(of, job_type, 1, "back")
    fail(of, job_type, 3)
    tries = held(of, job_type)
    now_due(of)

    steps(lambda: holds([*back, tries]) == [None, None])

    assert row(other).hold == "breaker"


@pytest.mark.parametrize("is_closed", [True, False])
def test_what_was_cancelled_meanwhile_takes_no_turn(of, job_type, is_closed):
    fail(of, job_type, 3)
    cancelled, ref = held(of, job_type), held(of, job_type)
    with at(of):
        transitions.cancel([cancelled], reason="cancelled")
    now_due(of)
    if is_closed:
        attempt(of, job_type)

    breakers.step()

    assert row(ref).hold is None


@pytest.mark.parametrize("is_closed", [True, False])
def test_all_destinations_have_their_turns(of, job_type, is_closed, monkeypatch):
    """With room for one in a step: none of two comes twice before the other has come once."""
    refs = {}
    for to in ("here", "there"):
        fail(of, job_type, 3, to=to)
        refs[to] = [held(of, job_type, to) for _ in range(4)]
        now_due(of, to)
        if is_closed:
            attempt(of, job_type, to=to)
    monkeypatch.setattr(breakers, "MOST", 1)

    def both_have_come():
        for to in refs:
            if not is_closed:
                now_due(of, to)  # whoever tried is lost
        return all(map(gone_on, refs.values()))

    steps(both_have_come)

    assert [gone_on(of_one) for of_one in refs.values()] == [1, 1]


@pytest.mark.parametrize("is_closed", [True, False])
def test_no_more_destinations_than_asked_for_have_a_turn(of, job_type, is_closed, monkeypatch):
    refs = []
    for to in ("here", "there"):
        fail(of, job_type, 3, to=to)
        refs.append(held(of, job_type, to))
        now_due(of, to)
        if is_closed:
            attempt(of, job_type, to=to)
    monkeypatch.setattr(breakers, "MOST", 1)

    breakers.step()

    assert gone_on(refs) <= 1


def test_no_more_are_forgotten_than_asked_for(of, job_type, monkeypatch):
    for to in ("here", "there"):
        fail(of, job_type, to=to)
        attempt(of, job_type, to=to)
    monkeypatch.setattr(breakers, "MOST", 1)

    breakers.step()

    with at(of):
        assert Breaker.objects.exists()


@pytest.mark.parametrize("fate", ["open", "closed", "whole"])
def test_one_that_somebody_looks_at_keeps_no_other_waiting(of, job_type, fate):
    other = organization()
    fail(of, job_type, 3)
    ref = held(of, job_type)
    now_due(of)
    if fate != "open":
        attempt(of, job_type)
    if fate == "whole":
        with at(of):
            transitions.cancel([ref], reason="cancelled")
    [free] = closed(other, job_type, 1)

    with elsewhere() as begin, at(of), connection.cursor() as cursor:
        cursor.execute("SELECT FROM jobs_breaker WHERE organization_id = %s FOR UPDATE", [of.pk])
        begin(steps, lambda: row(free).hold is None).result(10)

    assert state_of(of, job_type)


def test_one_that_fails_now_and_then_is_remembered(of, job_type):
    fail(of, job_type)

    breakers.step()

    assert state_of(of, job_type).failures == 1


def test_a_failure_that_nobody_asked_for_in_a_week_is_forgotten(of, job_type):
    fail(of, job_type)
    set_back(of, "failed_at = now() - interval '8 days'")

    steps(lambda: state_of(of, job_type) is None)


def test_one_that_fails_again_after_a_week_is_remembered(of, job_type):
    fail(of, job_type)
    set_back(of, "failed_at = now() - interval '8 days'")
    fail(of, job_type)

    breakers.step()

    assert state_of(of, job_type).failures == 2


def test_one_that_was_open_for_long_is_remembered(of, job_type):
    fail(of, job_type, 3)
    set_back(of, "failed_at = now() - interval '8 days', open_until = now()")

    breakers.step()

    assert state_of(of, job_type).is_open


def test_after_it_failed_again_the_held_ones_begin_with_one(of, job_type):
    refs = closed(of, job_type, 6)
    for _ in range(2):
        breakers.step()
    fail(of, job_type, 3)
    now_due(of)
    attempt(of, job_type)
    before = gone_on(refs)

    breakers.step()

    assert gone_on(refs) == before + 1
