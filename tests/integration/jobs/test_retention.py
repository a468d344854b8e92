"""Retention: what is over goes when its time has come, everything else stays."""

import uuid
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection, transaction

from jobs import retention
from jobs.ledger import enqueue, transitions
from jobs.ledger.models import Attempt, DeadLetter, IdempotencyKey, Job, Worker
from jobs.retention import Retention, Walk
from tenancy.scope import engine_scope
from tests.factories import organization
from tests.factories.jobs import (
    Note,
    at,
    dead_job,
    fall_silent,
    note_type,
    queued_job,
    running_job,
    worker,
)
from tests.threads import elsewhere
from tests.waiting import eventually

pytestmark = pytest.mark.django_db(transaction=True)


def succeeded_job(of):
    job = running_job(of)
    with at(of):
        transitions.settle(job)
    return job.ref


def cancelled_job(of):
    ref = queued_job(of)
    with at(of):
        transitions.cancel([ref], reason="cancelled")
    return ref


def discarded_job(of):
    ref = dead_job(of)
    with at(of):
        assert transitions.discard([ref], handled_by="user:1", reason="asked for by nobody")
    return ref


def age(ref, days):
    """No door makes time pass. The id, which begins with the time, gets older too."""
    parts = {"days": timedelta(days=days), "id": ref.job_id, "of": ref.organization_id}
    with at(ref.organization_id), connection.cursor() as cursor:
        cursor.execute("SELECT uuidv7(-%(days)s::interval)", parts)
        [(old,)] = cursor.fetchall()
        parts["old"] = old
        cursor.execute("SET CONSTRAINTS ALL DEFERRED")
        # The references name the job by its id: what hangs on it is moved to an older copy.
        columns = [field.column for field in Job._meta.fields if field.column != "id"]
        names = ", ".join(columns)
        aged = ", ".join(
            f"{name} - %(days)s::interval" if name in ("created_at", "finished_at") else name
            for name in columns
        )
        cursor.execute(
            f"INSERT INTO jobs_job (id, {names}) SELECT %(old)s, {aged} FROM jobs_job"
            " WHERE id = %(id)s",
            parts,
        )
        for table in ("jobs_attempt", "jobs_deadletter"):
            cursor.execute(
                f"UPDATE {table} SET job_id = %(old)s WHERE organization_id = %(of)s"
                " AND job_id = %(id)s",
                parts,
            )
        cursor.execute(
            "UPDATE jobs_idempotencykey SET job_id = %(old)s, created_at = created_at"
            " - %(days)s::interval WHERE organization_id = %(of)s AND job_id = %(id)s",
            parts,
        )
        with engine_scope():
            cursor.execute("DELETE FROM jobs_job WHERE id = %(id)s", parts)
    return transitions.JobRef(organization_id=ref.organization_id, job_id=old)


def rows(ref):
    """How many jobs, attempts, dead letters and keys there are of it."""
    with at(ref.organization_id):
        mine = {"organization_id": ref.organization_id, "job_id": ref.job_id}
        return (
            Job.objects.filter(pk=ref.job_id).count(),
            Attempt.objects.filter(**mine).count(),
            DeadLetter.objects.filter(**mine).count(),
            IdempotencyKey.objects.filter(**mine).count(),
        )


def test_a_succeeded_job_goes_with_its_attempts_and_leaves_its_key():
    ref = age(succeeded_job(organization()), days=8)

    Retention().tick()

    assert rows(ref) == (0, 0, 0, 1)


def test_a_succeeded_job_stays_for_its_days(settings):
    ref = age(succeeded_job(organization()), days=8)
    settings.JOBS_KEEP_SUCCEEDED_DAYS = 9

    Retention().tick()

    assert rows(ref) == (1, 1, 0, 1)


def test_what_was_made_long_ago_counts_from_its_end():
    ref = age(succeeded_job(organization()), days=8)
    with at(ref.organization_id), connection.cursor() as cursor:
        cursor.execute("UPDATE jobs_job SET finished_at = now() WHERE id = %s", [ref.job_id])

    Retention().tick()

    assert rows(ref)[0] == 1


def test_cancelled_and_discarded_jobs_go_with_their_handled_dead_letters():
    of = organization()
    cancelled, discarded = age(cancelled_job(of), days=31), age(discarded_job(of), days=31)
    younger = age(discarded_job(of), days=29)

    Retention().tick()

    assert rows(cancelled)[:3] == rows(discarded)[:3] == (0, 0, 0)
    assert rows(younger)[:3] == (1, 1, 1)


def test_dead_and_unfinished_jobs_stay_whatever_their_age():
    of = organization()
    dead, waiting = age(dead_job(of), days=4000), age(queued_job(of), days=4000)
    running = age(running_job(of).ref, days=4000)

    Retention().tick()

    assert rows(dead) == (1, 1, 1, 1)
    assert rows(waiting)[0] == rows(running)[0] == 1


def test_a_job_with_an_open_dead_letter_stays():
    """No door leads there; a removal that the open letter stops must not stop the others."""
    of = organization()
    odd, other = age(discarded_job(of), days=40), age(succeeded_job(of), days=40)
    with at(of):
        DeadLetter.objects.filter(job_id=odd.job_id).update(state="open")

    Retention().tick()

    assert rows(odd)[0] == 1
    assert rows(other)[0] == 0


def test_a_key_goes_once_it_is_old_and_its_job_is_gone(monkeypatch):
    monkeypatch.setattr(retention, "BATCH", 100_000)  # others' young keys stand before these
    of = organization()
    gone, kept = age(succeeded_job(of), days=31), age(dead_job(of), days=31)
    young = age(succeeded_job(of), days=29)

    Retention().tick()

    assert rows(gone)[3] == 0
    assert rows(kept)[3] == rows(young)[3] == 1


def test_a_key_without_its_job_still_answers(settings):
    of, job_type = organization(), note_type()
    entity = ("note", "1")

    def ask():
        with at(of):
            return enqueue(
                job_type,
                Note(text="once"),
                organization_id=of.pk,
                entity=entity,
                correlation_id="one request",
            )

    first = ask()
    assert first.created
    ref = transitions.JobRef(organization_id=of.pk, job_id=first.job_id)
    with at(of):
        transitions.cancel([ref], reason="cancelled")
    old = age(ref, days=31)
    with at(of):
        IdempotencyKey.objects.filter(job_id=old.job_id).update(created_at="2999-01-01T00:00Z")
    Retention().tick()
    assert rows(old)[0] == 0

    again = ask()

    assert (again.job_id, again.created) == (old.job_id, False)


def test_pages_are_walked_to_the_last(monkeypatch):
    monkeypatch.setattr(retention, "BATCH", 3)
    of = organization()
    refs = [age(succeeded_job(of), days=8 + number) for number in range(7)]
    refs.insert(0, age(dead_job(of), days=60))
    work = Retention()

    for _ in range(len(refs)):
        work.tick()

    assert [rows(ref)[0] for ref in refs] == [1, 0, 0, 0, 0, 0, 0, 0]


def test_each_page_begins_where_the_one_before_ended(monkeypatch):
    monkeypatch.setattr(retention, "BATCH", 2)
    of, long_ago = organization(), 15_000  # before whatever others have made old
    for number in range(2):
        age(dead_job(of), days=long_ago - number)
    for number in range(2, 5):
        age(succeeded_job(of), days=long_ago - number)
    keep = {"keep_succeeded": timedelta(days=7), "keep_cancelled": timedelta(days=30)}
    walk = Walk(statement="remove_finished", first=uuid.UUID(int=0), keep=lambda: keep)

    assert [walk.step(), walk.step()] == [0, 2]
    assert walk.step() >= 1


def test_each_page_of_keys_begins_where_the_one_before_ended(monkeypatch):
    monkeypatch.setattr(retention, "BATCH", 2)
    of = organization()
    before = queued_job(of)
    kept = [age(queued_job(of), days=31) for _ in range(2)]
    gone = [age(succeeded_job(of), days=31) for _ in range(3)]
    with engine_scope(), transaction.atomic():
        first = IdempotencyKey.objects.get(job_id=before.job_id).pk
        ids = [ref.job_id for ref in gone]
        Attempt.objects.filter(job_id__in=ids).delete()
        Job.objects.filter(pk__in=ids).delete()
    walk = Walk(statement="remove_keys", first=first, keep=lambda: {"keep": timedelta(days=30)})

    assert [walk.step() for _ in range(4)] == [0, 2, 1, None]
    assert [rows(ref)[3] for ref in [*kept, *gone]] == [1, 1, 0, 0, 0]


def test_a_tick_ends_after_its_time_and_the_next_goes_on(monkeypatch):
    monkeypatch.setattr(retention, "BATCH", 2)
    monkeypatch.setattr(retention, "TICK", timedelta(0))
    of = organization()
    refs = [age(succeeded_job(of), days=8 + number) for number in range(8)]
    work = Retention()

    work.tick()
    left = sum(rows(ref)[0] for ref in refs)

    assert left >= 6

    def all_are_gone():
        work.tick()
        return not any(rows(ref)[0] for ref in refs)

    eventually(all_are_gone)


def test_a_row_that_somebody_holds_is_left_for_later():
    of = organization()
    held, free = age(succeeded_job(of), days=8), age(succeeded_job(of), days=9)

    with elsewhere() as begin, at(of), connection.cursor() as cursor:
        cursor.execute("SELECT FROM jobs_job WHERE id = %s FOR UPDATE", [held.job_id])
        begin(Retention().tick).result(10)
        assert rows(free)[0] == 0

    assert rows(held)[0] == 1


def letter_of_no_job(handled_at):
    """A dead letter of bytes that were no message; open, or handled then."""
    with engine_scope(), transaction.atomic():
        return DeadLetter.objects.create(
            queue_group="backfill",
            reason="undecodable",
            first_failed_at="2020-01-01T00:00Z",
            fingerprint="f",
            state="discarded" if handled_at else "open",
            handled_at=handled_at,
        ).pk


def left(*letters):
    with engine_scope(), transaction.atomic():
        return set(DeadLetter.objects.filter(pk__in=letters).values_list("pk", flat=True))


def test_handled_letters_of_no_job_go_and_open_and_young_ones_stay():
    old, opened = letter_of_no_job("2020-01-01T00:00Z"), letter_of_no_job(None)
    young = letter_of_no_job(datetime.now(UTC) - timedelta(days=29))

    Retention().tick()

    assert left(old, opened, young) == {opened, young}


def test_the_handled_letter_of_a_job_stays_as_long_as_its_job():
    ref = dead_job()
    with at(ref.organization_id):
        DeadLetter.objects.filter(job_id=ref.job_id).update(
            state="discarded", handled_at="2020-01-01T00:00Z"
        )

    Retention().tick()

    assert rows(ref)[2] == 1


def test_of_more_letters_than_go_at_once_those_go_that_were_handled_first(monkeypatch):
    monkeypatch.setattr(retention, "BATCH", 1)
    second, first = letter_of_no_job("1990-01-02T00:00Z"), letter_of_no_job("1990-01-01T00:00Z")

    Retention().tick()

    assert left(first, second) == {second}


def test_a_letter_that_somebody_holds_keeps_no_other_waiting():
    held, free = (letter_of_no_job("2020-01-01T00:00Z") for _ in range(2))

    with (
        elsewhere() as begin,
        engine_scope(),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute("SELECT FROM jobs_deadletter WHERE id = %s FOR UPDATE", [held])
        begin(Retention().tick).result(10)
        assert left(held, free) == {held}


def test_workers_that_are_long_gone_are_forgotten():
    gone, lost = worker(), worker()
    fall_silent(gone, timedelta(days=8))
    fall_silent(lost, timedelta(days=6))

    Retention().tick()

    assert set(Worker.objects.filter(pk__in=[gone, lost]).values_list("pk", flat=True)) == {lost}
