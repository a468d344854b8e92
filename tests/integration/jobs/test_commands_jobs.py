"""manage.py jobs: a job's life, why it waits, and the end of one that does."""

import json
from datetime import UTC, datetime
from io import StringIO
from uuid import uuid4

import pytest
from django.core.management import CommandError, call_command

from jobs.ledger import relay, transitions
from tests.factories import operator, organization
from tests.factories.jobs import at, dead_job, queue_control, queued_job, row, running_job

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def of(redis_url):
    relay.recover()
    return organization()


def jobs(*words) -> str:
    out = StringIO()
    call_command("jobs", *map(str, words), stdout=out)
    return out.getvalue()


def cancel(*words, reason="sent twice by mistake") -> str:
    return jobs("cancel", *words, "--operator", operator().email, "--reason", reason)


def test_show_tells_a_jobs_life_attempt_by_attempt(of):
    ref = dead_job(of)

    fields, attempts = jobs("show", ref.job_id).split("\n\n")

    told = [line.split() for line in fields.splitlines()]
    assert ["id", str(ref.job_id)] in told
    assert ["state", "dead"] in told
    title, only = attempts.splitlines()
    assert title.split() == ["ATTEMPT", "OUTCOME", "STARTED", "ENDED", "ERROR"]
    assert (only.split()[0], only.split()[-1]) == ("1", "boom")


def test_show_tells_of_the_attempt_that_is_under_way(of):
    together = str(uuid4())
    running, other = (running_job(of, correlation_id=together) for _ in range(2))
    with at(of):
        transitions.settle(other)

    told = {one["id"]: one["attempts"] for one in json.loads(jobs("show", together, "--json"))}

    [attempt], [ended] = told[str(running.ref.job_id)], told[str(other.ref.job_id)]
    assert (attempt["number"], attempt["outcome"], attempt["ended_at"]) == (1, "", None)
    assert attempt["worker_id"] == row(running.ref).worker_id
    assert (ended["number"], ended["outcome"]) == (1, "succeeded")


def test_show_finds_what_belongs_together_by_correlation_id(of):
    together = str(uuid4())
    refs = [queued_job(of, correlation_id=together) for _ in range(2)]

    found = json.loads(jobs("show", together, "--json"))

    assert {one["id"] for one in found} == {str(ref.job_id) for ref in refs}
    assert {one["organization"] for one in found} == {of.slug}


def test_show_of_an_unknown_id_ends_with_a_sentence():
    with pytest.raises(CommandError, match="No job has the id or correlation_id 'nothing'"):
        jobs("show", "nothing")


def test_cancel_ends_a_job_that_waits(of):
    ref = queued_job(of)

    assert cancel(ref.job_id) == "Cancelled 1 of 1.\n"

    assert row(ref).state == "cancelled"


def test_cancel_fails_for_what_it_left_alone_and_stops_no_other(of):
    waiting, dead, unknown = queued_job(of), dead_job(of), uuid4()

    with pytest.raises(CommandError) as failed:
        cancel(waiting.job_id, dead.job_id, unknown)

    assert f"{dead.job_id}: dead, so there is nothing to cancel" in str(failed.value)
    assert f"{unknown}: not found" in str(failed.value)
    assert (row(waiting).state, row(dead).state) == ("cancelled", "dead")


def test_cancel_asks_a_running_job_to_end_and_says_so(of):
    running = running_job(of).ref

    said = "Asked 1 running to end; `jobs show` says when it has.\n"
    assert cancel(running.job_id) == said

    assert row(running).cancel_requested_at


def test_cancel_of_some_that_wait_and_some_that_run_says_both(of):
    waiting, running = queued_job(of), running_job(of).ref

    said = cancel(waiting.job_id, running.job_id)

    assert said.startswith("Cancelled 1 of 2 at once. Asked 1 running to end;")


@pytest.mark.parametrize("make", [queued_job, lambda of: running_job(of).ref])
def test_show_says_who_asked_for_the_end_and_why(of, make):
    ref = make(of)
    cancel(ref.job_id)

    [told] = json.loads(jobs("show", ref.job_id, "--json"))

    assert told["cancelled_by"].endswith(" (operator)")
    assert told["cancelled_because"] == "sent twice by mistake"


def test_explain_says_who_cancelled_it_and_why(of):
    ref = queued_job(of)
    cancel(ref.job_id)

    said = jobs("explain", str(ref.job_id))

    assert "ago (cancelled by " in said
    assert said.endswith(" (operator): “sent twice by mistake”), and will not run.\n")


def test_cancel_without_a_reason_changes_nothing(of):
    ref = queued_job(of)

    with pytest.raises(CommandError, match="Say why"):
        cancel(ref.job_id, reason="")

    assert row(ref).state == "queued"


def test_explain_says_why_a_job_does_not_run(of):
    queue_control(of, is_paused=True, reason="their receiver is down")
    ref = queued_job(of)

    said = jobs("explain", str(ref.job_id))

    assert said.startswith("Its queue was paused by ")
    assert said.endswith("“their receiver is down”. It starts nothing until it is resumed.\n")


def test_explain_says_it_to_programs_too(of):
    ref = queued_job(of, run_at=datetime(2099, 5, 1, tzinfo=UTC))

    told = json.loads(jobs("explain", str(ref.job_id), "--json"))

    assert (told["id"], told["state"], told["cause"]) == (
        str(ref.job_id), "scheduled", "scheduled",
    )  # fmt: skip
    assert told["estimate_seconds"] > 1_000_000
    assert told["sentence"].startswith("Waits for its time, 2099-05-01 00:00:00 UTC, in ")


def test_explain_of_a_job_that_is_not_there_is_a_sentence(of):
    with pytest.raises(CommandError, match="No job has the id"):
        jobs("explain", str(uuid4()))
