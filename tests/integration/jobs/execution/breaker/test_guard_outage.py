"""guard: what becomes of a job while PostgreSQL refuses whatever is said of its breaker."""

from contextlib import ExitStack, contextmanager
from datetime import timedelta

import psycopg
import pytest

from jobs.execution import run as run_module
from tests import servers
from tests.factories.jobs import Note, queued_job
from tests.integration.jobs.execution.breaker.destinations import POLICY, Out, fail
from tests.integration.jobs.execution.looking import attempts, until
from tests.waiting import eventually

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def speechless():
    """`with speechless():` PostgreSQL refuses whatever is written about breakers."""

    @contextmanager
    def refused():
        with psycopg.connect(servers.current().database_url("owner"), autocommit=True) as owner:
            owner.execute("REVOKE INSERT, UPDATE ON jobs_breaker FROM app")
            try:
                yield
            finally:
                owner.execute("GRANT INSERT, UPDATE ON jobs_breaker TO app")

    return refused


def test_a_job_is_postponed_uncounted_while_its_breaker_cannot_be_asked(
    of, job_type, start_worker, logged, speechless, monkeypatch
):
    monkeypatch.setattr(run_module, "OUTAGE", timedelta(0))
    fail(of, job_type)
    with speechless():
        ref = queued_job(of, job_type, payload=Note(text="there"))
        start_worker(threads=1)
        eventually(lambda: [one for one in logged() if one["event"] == "job_postponed"])

    job = until(ref, "succeeded")
    assert (job.attempt, job.losses) == (1, 0)
    assert {one.outcome for one in attempts(ref)} <= {"released", "succeeded"}


@pytest.mark.parametrize(
    ("error", "state"), [(None, "succeeded"), (Out("!"), "dead"), (ConnectionError("away"), "dead")]
)
def test_a_job_ends_as_it_ended_although_its_breaker_cannot_be_told(
    of, declare, start_worker, logged, speechless, error, state
):
    goes_on, refused = ExitStack(), speechless()

    def perform(run):
        goes_on.enter_context(refused)
        if error:
            raise error

    job_type = declare(perform, effect="outside", breaker=POLICY, max_retries=0)
    fail(of, job_type, to="")
    with goes_on:
        ref = queued_job(of, job_type)
        start_worker(threads=1)
        job = until(ref, state)
        eventually(lambda: [one for one in logged() if one["event"] == "breaker_not_told"])

    assert (job.attempt, job.error_class) == (1, type(error).__name__ if error else "")
