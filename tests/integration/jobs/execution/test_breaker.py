"""breaker: a destination that fails gets a rest, one job tries, and the others go on, paced."""

from datetime import timedelta

import pytest
from django.db import connection

from audit.models import AuditEvent
from jobs.execution import breaker
from jobs.execution.breaker import BreakerOpen, Key, guard
from jobs.job_types import BreakerPolicy
from jobs.ledger import transitions
from jobs.ledger.breakers import Breaker
from jobs.ledger.models import Job
from tenancy.scope import scope
from tests.factories import organization
from tests.factories.jobs import Note, at, claim, queued_job, row, running_job
from tests.integration.jobs.execution.looking import attempts, until
from tests.waiting import eventually

pytestmark = pytest.mark.django_db(transaction=True)

POLICY = BreakerPolicy(
    outages=(ConnectionError,),
    failures=3,
    open_for=timedelta(hours=1),
    longest=timedelta(hours=3),
)


class Out(Exception):
    """Of a message, not of its destination."""


@pytest.fixture(autouse=True)
def whole_waits(declare, settings):
    settings.JOBS_RETRY_SCALE = 1.0


@pytest.fixture
def job_type(declare):
    return declare(
        lambda run: None,
        effect="outside",
        breaker=POLICY,
        destination=lambda note: note.text,
        discriminator=lambda note: note.text,
        max_retries=20,
    )


@pytest.fixture
def of():
    return organization()


def key(of, job_type, destination="there"):
    return Key(organization_id=of.pk, job_type=job_type.name, destination=destination)


def attempt(of, job_type, *, error=None, to="there", job=None):
    """One attempt of a job, as a worker makes it: in its scope, in no transaction."""
    job = job or running_job(of, job_type=job_type, payload=Note(text=to))
    with scope(of), guard(job):
        if error:
            raise error
    with at(of):
        transitions.settle(job)
    return job.ref


def fail(of, job_type, times=1, *, error=None, to="there"):
    for _ in range(times):
        with pytest.raises(type(error or ConnectionError())):
            attempt(of, job_type, error=error or ConnectionError("away"), to=to)


def held(of, job_type, to="there"):
    """A job that meets the open breaker."""
    job = running_job(of, job_type=job_type, payload=Note(text=to))
    with scope(of), pytest.raises(BreakerOpen), guard(job):
        raise AssertionError("it ran")
    return job.ref


def now_due(of):
    """No door makes time pass."""
    with at(of), connection.cursor() as cursor:
        cursor.execute(
            "UPDATE jobs_breaker SET open_until = now() - interval '1 s',"
            " probe_until = now() - interval '1 s' WHERE organization_id = %s",
            [of.pk],
        )


def state_of(of, job_type, to="there"):
    with at(of):
        return breaker.state_of(key(of, job_type, to))


def holds(refs):
    return [row(ref).hold for ref in refs]


def steps(done):
    def step():
        breaker.step()
        return done()

    eventually(step)


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


def test_one_job_tries_when_its_time_is_over_and_the_others_stay(of, job_type):
    fail(of, job_type, 3)
    refs = [held(of, job_type) for _ in range(3)]
    now_due(of)

    steps(lambda: None in holds(refs))
    breaker.step()

    assert holds(refs) == [None, "breaker", "breaker"]
    assert state_of(of, job_type).probe_job_id == refs[0].job_id
    held(of, job_type)


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

    with at(of), connection.cursor() as cursor:
        cursor.execute(
            "SELECT round(extract(epoch FROM open_until - now()) / 3600) FROM jobs_breaker"
            " WHERE organization_id = %s",
            [of.pk],
        )
        assert cursor.fetchone() == (hours,)


def test_a_probe_that_ends_otherwise_lets_another_one_try(of, job_type):
    fail(of, job_type, 3)
    now_due(of)

    fail(of, job_type, error=Out())

    state = state_of(of, job_type)
    assert state.is_open
    assert state.probe_job_id is None
    attempt(of, job_type)
    assert not state_of(of, job_type).is_open


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

    gone_on = []
    for _ in range(3):
        breaker.step()
        gone_on.append(holds(refs).count(None))

    assert gone_on == [1, 3, 6]


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
            for number in range(breaker.MOST + 1)
        )

    breaker.step()

    assert holds(refs).count(None) == 1


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

    breaker.step()

    assert state_of(of, job_type) is not None


def test_a_person_closes_it_and_the_log_says_why(of, job_type):
    fail(of, job_type, 3)
    ref = held(of, job_type)

    with at(of):
        assert breaker.close(key(of, job_type), reason="the receiver is back")
        assert not breaker.close(key(of, job_type), reason="again")

    steps(lambda: row(ref).hold is None)
    with at(of):
        event = AuditEvent.objects.get(action="breaker.closed")
    assert '"the receiver is back"' in event.event


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
        assert breaker.state_of(key(of, job_type)) is None


def test_the_state_is_found_by_a_job(of, job_type):
    fail(of, job_type, 3)
    ref = held(of, job_type)

    with at(of):
        state = breaker.state(Job.objects.get(pk=ref.job_id))

    assert (state.key.destination, state.failures, state.is_open) == ("there", 3, True)


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
