"""check: what differs between ledger and Redis is found, explained and mended, both ways."""

import json
import sys
from datetime import timedelta
from io import StringIO
from uuid import uuid4

import pytest
import structlog
from django.core.management import call_command
from django.db import connection, transaction

from jobs.broker.errors import NoEpoch
from jobs.broker.messages import Entry
from jobs.check import KINDS, Watch, check
from jobs.job_types import GROUPS
from jobs.ledger import transitions
from jobs.ledger.models import DeadLetter
from jobs.ledger.statements import run
from tenancy.scope import engine_scope
from tests.factories import organization
from tests.factories.jobs import (
    at,
    breaker,
    dead_job,
    fall_silent,
    queue_control,
    queued_job,
    row,
    running_job,
    worker,
)
from tests.integration.jobs.ledger.attempts import retry
from tests.integration.jobs.ledger.lines import in_line
from tests.integration.jobs.ledger.unpublished import scheduled_job

pytestmark = pytest.mark.django_db(transaction=True)


def set_back(ref, what):
    with at(ref.organization_id), connection.cursor() as cursor:
        cursor.execute(f"UPDATE jobs_job SET {what} WHERE id = %s", [ref.job_id])


def ids(kind):
    return {one.kind: one for one in check()}.get(kind)


def is_found(kind, ref, monkeypatch):
    monkeypatch.setattr("jobs.check.EXAMPLES", sys.maxsize)  # others left more than a few
    found = ids(kind)
    return found is not None and str(ref.job_id) in found.examples


def test_a_due_job_that_redis_lost_is_put_back(line, monkeypatch):
    ref = queued_job()
    set_back(ref, "run_at = run_at - interval '1 h', created_at = created_at - interval '1 h'")
    line.remove("backfill", ref.organization_id, [str(ref.job_id)])
    assert is_found("lost", ref, monkeypatch)

    check(repair=True)

    assert in_line(ref)
    assert not is_found("lost", ref, monkeypatch)


def test_a_message_whose_job_is_finished_or_held_or_absent_is_taken_out(line, monkeypatch):
    of = organization()
    cancelled, held = queued_job(of), queued_job(of)
    with at(of):
        transitions.cancel([cancelled], reason="cancelled")
    set_back(held, "state = 'scheduled', hold = 'draining'")
    absent = transitions.JobRef(organization_id=of.pk, job_id=uuid4())
    line.enqueue(
        [Entry(organization_id=of.pk, group="backfill", message_id=str(absent.job_id), body=b"")]
    )
    assert all(is_found("left_over", ref, monkeypatch) for ref in (cancelled, held, absent))

    check(repair=True)

    assert not any(in_line(ref) for ref in (cancelled, held, absent))


def test_a_job_of_another_organization_is_not_vouched_for(line, monkeypatch):
    mine, theirs = queued_job(), organization()
    forged = transitions.JobRef(organization_id=theirs.pk, job_id=mine.job_id)
    line.enqueue(
        [Entry(organization_id=theirs.pk, group="backfill", message_id=str(mine.job_id), body=b"")]
    )

    check(repair=True)

    assert in_line(mine)
    assert not in_line(forged)


def test_a_message_in_the_line_of_another_group_is_taken_out(line):
    ref = queued_job()
    line.enqueue(
        [
            Entry(
                organization_id=ref.organization_id,
                group="audit",
                message_id=str(ref.job_id),
                body=b"",
            )
        ]
    )

    check(repair=True)

    assert (in_line(ref), in_line(ref, "audit")) == (True, False)


def test_what_is_in_order_is_no_difference(line, monkeypatch):
    of = organization()
    backs_off = running_job(of)
    retry(backs_off, timedelta(hours=1))
    published = queued_job(of)
    set_back(
        published,
        "published_at = now() - interval '1 h', created_at = created_at - interval '2 h',"
        " run_at = run_at - interval '2 h'",
    )
    refs = [queued_job(of), running_job(of).ref, backs_off.ref, published]
    gone = [dead_job(of), scheduled_job(of, timedelta(hours=1)), drained_job(of)]
    set_back(gone[2], "created_at = created_at - interval '2 h', run_at = run_at - interval '2 h'")
    line.remove("backfill", of.pk, [str(ref.job_id) for ref in gone])

    for kind in KINDS:
        found = [ref for ref in [*refs, *gone] if is_found(kind, ref, monkeypatch)]
        assert (kind, found) == (kind, [])


def drained_job(of):
    queue_control(of, is_draining=True)
    return queued_job(of)


def test_a_job_behind_a_breaker_that_is_there_is_no_difference(line, monkeypatch):
    of = organization()
    ref = queued_job(of)
    set_back(ref, f"state = 'scheduled', hold = 'breaker', breaker_id = {breaker(of).pk}")

    assert not is_found("behind_no_breaker", ref, monkeypatch)


def test_the_breaker_of_another_organization_is_none(line, monkeypatch):
    ref = queued_job()
    theirs = breaker(organization()).pk
    set_back(ref, f"state = 'scheduled', hold = 'breaker', breaker_id = {theirs}")

    assert is_found("behind_no_breaker", ref, monkeypatch)


def test_a_dead_job_without_a_letter_gets_one(line, monkeypatch):
    ref = dead_job()
    with at(ref.organization_id):
        DeadLetter.objects.filter(job_id=ref.job_id).update(state="discarded")
    assert is_found("dead_without_letter", ref, monkeypatch)

    check(repair=True)

    with at(ref.organization_id):
        assert DeadLetter.objects.filter(job_id=ref.job_id, state="open").count() == 1


def test_a_job_behind_no_breaker_goes_on(line, monkeypatch):
    ref = queued_job()
    set_back(ref, "state = 'scheduled', hold = 'breaker', breaker_id = 0")
    assert is_found("behind_no_breaker", ref, monkeypatch)

    check(repair=True)

    assert (row(ref).hold, row(ref).breaker_id) == (None, None)


def test_a_job_whose_worker_is_gone_is_told(line, monkeypatch):
    gone = worker()
    ref = running_job(worker_id=gone).ref
    fall_silent(gone)

    assert is_found("without_worker", ref, monkeypatch)


def test_a_job_whose_worker_signed_off_is_told(line, monkeypatch):
    mine = worker()
    ref = running_job(worker_id=mine).ref
    with engine_scope(), transaction.atomic():
        run("sign_off", {"id": mine})

    assert is_found("without_worker", ref, monkeypatch)


def test_a_job_that_was_never_published_is(line, monkeypatch):
    ref = queued_job()
    set_back(ref, "run_at = run_at - interval '1 h', created_at = created_at - interval '1 h'")
    assert is_found("unpublished", ref, monkeypatch)

    while is_found("unpublished", ref, monkeypatch):
        check(repair=True)

    assert row(ref).published_at


def test_the_command_says_it_in_words_and_in_json(line):
    ref = queued_job()
    set_back(ref, "state = 'scheduled', hold = 'breaker', breaker_id = 0")
    words, machine = StringIO(), StringIO()

    call_command("jobs", "check", "--json", stdout=machine)
    call_command("jobs", "check", "--repair", stdout=words)

    assert "behind_no_breaker" in {one["kind"] for one in json.loads(machine.getvalue())}
    assert "mended. Waits for a breaker that is no more" in words.getvalue()


def watched(*, between=lambda: None):
    """One round of the scheduler's look: what it says at the end, and how many slices it took."""
    watch = Watch()
    with structlog.testing.capture_logs() as logs:
        watch.tick()
        ticks = 1
        while watch.is_under_way:
            between()
            watch.tick()
            ticks += 1
    return [one for one in logs if one["event"] == "ledger_differs"], ticks


def test_the_scheduler_looks_a_slice_at_a_time_tells_and_mends_nothing(line, monkeypatch):
    monkeypatch.setattr("jobs.check.ORGANIZATIONS", 10)
    cancelled, unheld = queued_job(), queued_job()
    with at(cancelled.organization_id):
        transitions.cancel([cancelled], reason="cancelled")
    set_back(unheld, "state = 'scheduled', hold = 'breaker', breaker_id = 0")

    [said], ticks = watched()

    assert ticks > len(GROUPS)
    assert said["left_over"] >= 1
    assert said["behind_no_breaker"] >= 1
    assert in_line(cancelled)
    assert row(unheld).hold == "breaker"


def test_what_ended_between_two_looks_is_no_difference(line, monkeypatch):
    of = organization()
    job = running_job(of)
    with at(of):
        transitions.settle(job)

    def acknowledge():
        """As the worker does, once the ledger has it."""
        line.remove("backfill", of.pk, [str(job.ref.job_id)])

    counted = []
    monkeypatch.setattr(
        "jobs.check.Difference.add", lambda self, ids: counted.extend(map(str, ids))
    )
    watched(between=acknowledge)

    assert str(job.ref.job_id) not in counted


def test_a_round_that_broke_off_tells_nothing_and_the_next_begins_anew(line, monkeypatch):
    watch = Watch()
    watch.tick()

    def lost(*_):
        raise NoEpoch

    monkeypatch.setattr("jobs.broker.queues.Queues.pages", lost)

    with structlog.testing.capture_logs() as logs, pytest.raises(NoEpoch):
        watch.tick()

    assert not watch.is_under_way
    assert not logs
