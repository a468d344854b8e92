"""A job inside a worker: done, tried again, or dead with a structured error."""

import time
from contextlib import suppress
from copy import copy
from datetime import timedelta

import pytest
from django.db import DatabaseError, IntegrityError, connection

from jobs.errors import Permanent, RetryLater
from jobs.job_types import Payload
from tenancy import changes
from tenancy.models import TimelineEntry
from tests.factories import mission, organization, timeline_entry
from tests.factories.jobs import Note, at, note_type, queued_job, row
from tests.integration.jobs.execution.looking import attempts, letter, until
from tests.waiting import eventually

pytestmark = pytest.mark.django_db(transaction=True)


def raising(error):
    def perform(run):
        raise copy(error)

    return perform


def test_a_job_runs_with_its_payload_in_its_organization(worker, declare):
    ran = []
    of = organization()
    ref = queued_job(of, declare(ran.append), payload=Note(text="hello"))

    job = until(ref, "succeeded")

    [run] = ran
    assert (run.payload.text, run.organization_id) == ("hello", of.pk)
    assert [(one.number, one.outcome) for one in attempts(ref)] == [(1, "succeeded")]
    assert job.error_class == ""


def test_its_message_is_gone_afterwards(worker, declare):
    ref = queued_job(job_type=declare(lambda run: None))

    until(ref, "succeeded")

    line = worker.broker.backend
    eventually(lambda: not line.known("backfill", [(ref.organization_id, str(ref.job_id))]))


def test_what_it_writes_and_its_completion_are_one_transaction(worker, declare):
    place = mission()

    def perform(run):
        entry = TimelineEntry(
            organization=place.organization, mission=place, title="x", starts_at=place.created_at
        )
        changes.create(entry)
        if run.job.attempt == 1:
            raise RuntimeError("after the effect")

    until(queued_job(place.organization, declare(perform)), "succeeded")

    with at(place.organization):
        assert TimelineEntry.objects.filter(mission=place).count() == 1


def test_a_job_that_fails_is_tried_again_until_it_works(worker, declare):
    tried = []

    def perform(run):
        tried.append(run.job.attempt)
        if len(tried) < 3:
            raise ConnectionError("not yet")

    ref = queued_job(job_type=declare(perform, max_retries=2))

    until(ref, "succeeded")
    assert tried == [1, 2, 3]
    assert [one.outcome for one in attempts(ref)] == ["failed", "failed", "succeeded"]


def test_a_job_that_never_works_is_dead_with_all_that_a_person_needs(worker, declare):
    ref = queued_job(job_type=declare(raising(ConnectionError("refused")), max_retries=2))

    job = until(ref, "dead")

    dead = letter(ref)
    assert (dead.reason, dead.error_class) == ("retries_exhausted", "ConnectionError")
    assert dead.error_message == "refused"
    assert dead.error_frame.startswith("tests/integration/jobs/execution/test_run.py:")
    assert dead.error_frame.endswith(" perform")
    assert (dead.attempt, job.attempt, job.max_attempts) == (3, 3, 3)
    assert dead.first_failed_at < dead.last_failed_at


def test_each_failed_attempt_keeps_its_traceback(worker, declare):
    ref = queued_job(job_type=declare(raising(ConnectionError("refused")), max_retries=2))

    until(ref, "dead")

    assert [one.outcome for one in attempts(ref)] == ["failed"] * 3
    assert all("ConnectionError: refused" in one.traceback for one in attempts(ref))
    assert len({one.traceback_digest for one in attempts(ref)}) == 1


def test_a_permanent_error_is_not_tried_again(worker, declare):
    ref = queued_job(job_type=declare(raising(Permanent("gone", reason="endpoint_disabled"))))

    job = until(ref, "dead")

    assert (job.attempt, job.reason, letter(ref).error_message) == (1, "endpoint_disabled", "gone")


def test_an_error_that_the_policy_lists_is_not_tried_again(worker, declare):
    ref = queued_job(job_type=declare(raising(LookupError("x")), permanent=(LookupError,)))

    assert (until(ref, "dead").reason, row(ref).attempt) == ("permanent_error", 1)


def test_an_actor_may_ask_for_a_longer_wait(worker, declare):
    later = RetryLater("busy", retry_after=timedelta(hours=1))
    ref = queued_job(job_type=declare(raising(later)))

    job = until(ref, "retrying")

    assert job.run_at - job.started_at > timedelta(minutes=59)


@pytest.mark.parametrize("error", [SystemExit(1), KeyboardInterrupt(), IntegrityError("duplicate")])
def test_whatever_an_actor_raises_is_a_failed_attempt(worker, declare, error):
    ref = queued_job(job_type=declare(raising(error), max_retries=0))

    until(ref, "dead")

    assert letter(ref).error_class == type(error).__name__


def test_an_actor_that_hides_a_database_error_has_failed(worker, declare):
    def perform(run):
        with connection.cursor() as cursor, suppress(DatabaseError):
            cursor.execute("SELECT 1/0")

    ref = queued_job(job_type=declare(perform, max_retries=0))

    until(ref, "dead")
    assert [one.outcome for one in attempts(ref)] == ["failed"]


def test_a_job_that_runs_too_long_is_stopped(worker, declare):
    def perform(run):
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            pass

    limit = timedelta(milliseconds=100)
    ref = queued_job(job_type=declare(perform, max_retries=0, time_limit=limit))

    until(ref, "dead")
    assert (letter(ref).reason, letter(ref).error_class) == ("time_limit", "TimeLimitExceeded")


def test_a_statement_that_runs_too_long_is_stopped(worker, declare):
    def perform(run):
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_sleep(60)")

    limit = timedelta(seconds=1)
    ref = queued_job(job_type=declare(perform, max_retries=0, time_limit=limit))

    until(ref, "dead")
    assert letter(ref).reason == "time_limit"


class Strict(Payload):
    """What a newer release expects."""

    number: int


def test_a_payload_that_does_not_fit_is_dead_at_once(worker, declare):
    ran = []
    strict = declare(ran.append, payload=Strict)
    ref = queued_job(job_type=note_type(name=strict.name), payload=Note(text="of an older release"))

    until(ref, "dead")

    assert ran == []
    assert (letter(ref).reason, letter(ref).attempt) == ("payload_invalid", 1)
    assert "number: Field required" in letter(ref).error_message


def test_a_job_type_that_this_release_does_not_know_is_dead_at_once(worker):
    ref = queued_job(job_type=note_type())

    job = until(ref, "dead")

    assert (job.reason, letter(ref).reason) == ("unknown_job_type", "unknown_job_type")
    assert letter(ref).raw is None


def test_the_family_hears_of_a_death(worker, declare):
    heard = []
    job_type = declare(
        raising(Permanent("gone")), on_dead=lambda job, reason: heard.append((job.ref, reason))
    )

    ref = queued_job(job_type=job_type)

    until(ref, "dead")
    assert heard == [(ref, "permanent_error")]


def test_a_family_that_breaks_when_it_hears_keeps_no_job_alive(worker, declare):
    entry = timeline_entry(title="before")

    def on_dead(job, reason):
        changes.update(entry, title="half done")
        raise RuntimeError("on_dead broke")

    job_type = declare(raising(Permanent("gone")), on_dead=on_dead)

    ref = queued_job(entry.organization, job_type)

    until(ref, "dead")
    with at(entry.organization):
        assert TimelineEntry.objects.get(pk=entry.pk).title == "before"


def test_jobs_of_many_organizations_run_each_in_its_own(worker, declare):
    seen = {}

    def perform(run):
        with connection.cursor() as cursor:
            cursor.execute("SELECT current_setting('app.organizations'), current_user")
            seen[run.organization_id] = cursor.fetchone()

    job_type = declare(perform)
    refs = [queued_job(organization(), job_type) for _ in range(20)]

    for ref in refs:
        until(ref, "succeeded")
    assert seen == {ref.organization_id: (str(ref.organization_id), "app") for ref in refs}
