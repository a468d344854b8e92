"""Every line that is logged during a job says whose it is and what it belongs to."""

import logging

import pytest
import structlog

from tenancy.acting import Actor, acting
from tests.factories import member, project
from tests.factories.jobs import queued_job
from tests.integration.jobs.execution.looking import until

pytestmark = pytest.mark.django_db(transaction=True)

SIX = ("organization_id", "project_id", "correlation_id", "job_type", "attempt", "actor_id")


def test_every_line_of_a_job_carries_the_six_fields(declare, start_worker, logged):
    mine = project()
    editor = member(mine.organization, role="editor")

    def perform(run):
        structlog.get_logger("ours").info("by_structlog")
        logging.getLogger("a.library").warning("by %s", "logging")
        if run.job.attempt == 1:
            raise RuntimeError("first")

    job_type = declare(perform)
    with acting(Actor.user(editor.pk), source="web", correlation_id="c-77"):
        ref = queued_job(mine.organization, job_type, project_id=mine.pk)
    started = start_worker()
    until(ref, "succeeded")
    started.stop()  # its last line is written after the ledger says so

    of_job = [one for one in logged() if one.get("job_id") == str(ref.job_id)]
    expected = (mine.organization.pk, mine.pk, "c-77", job_type.name, f"user:{editor.pk}")
    without_attempt = [field for field in SIX if field != "attempt"]
    assert {tuple(one[field] for field in without_attempt) for one in of_job} == {expected}
    assert [(one["event"], one["attempt"]) for one in of_job] == [
        ("job_claimed", 1),
        ("by_structlog", 1),
        ("by logging", 1),
        ("job_failed", 1),
        ("job_claimed", 2),
        ("by_structlog", 2),
        ("by logging", 2),
        ("job_succeeded", 2),
    ]


def test_a_line_after_a_job_carries_none_of_them(declare, start_worker, logged):
    ref = queued_job(job_type=declare(lambda run: None))
    started = start_worker(threads=1)
    until(ref, "succeeded")

    started.stop()
    logging.getLogger("a.library").warning("afterwards")

    [after] = [one for one in logged() if one["event"] == "afterwards"]
    assert not set(SIX) & after.keys()


def test_a_death_is_logged_with_its_reason_and_place(declare, start_worker, logged):
    def perform(run):
        raise ValueError("bad")

    ref = queued_job(job_type=declare(perform, max_retries=0))
    start_worker()
    until(ref, "dead")

    [line] = [one for one in logged() if one["event"] == "job_dead"]
    assert (line["reason"], line["error"], line["level"]) == ("retries_exhausted", "bad", "error")
    assert "test_logs.py" in line["frame"]
