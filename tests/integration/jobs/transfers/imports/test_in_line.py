"""One import of an organization and kind writes at a time, and whoever waits is always sent for."""

import threading
from contextlib import contextmanager

import pytest
from django.db import connection, transaction

from jobs.families.transfers.imports import transitions
from jobs.ledger.models import Job
from tenancy import clock
from tenancy.acting import Actor, acting
from tenancy.scope import scope
from tests.factories import organization
from tests.factories.imports import import_row, now
from tests.waiting import eventually

pytestmark = pytest.mark.django_db(transaction=True)


def import_that(of, state):
    return import_row(of, state=state, approved_by="system", approved_at=clock.now())


@contextmanager
def step(of):
    with (
        scope(of.organization_id),
        acting(Actor.system(), source="command"),
        transaction.atomic(),
    ):
        yield transitions.locked(of.organization_id, of.pk)


def begin(of):
    """What a worker does first for one that is approved."""
    with (
        scope(of.organization_id),
        acting(Actor.system(), source="command"),
        transaction.atomic(),
    ):
        transitions.in_line(of.organization_id, of.kind)
        return transitions.begin(transitions.locked(of.organization_id, of.pk))


def jobs_of(of):
    with scope(of.organization_id), transaction.atomic():
        return Job.objects.filter(entity_id=str(of.pk)).count()


def waits():
    """Whether somebody waits for the gate."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted")
        return cursor.fetchone()[0] > 0


def in_thread(deed):
    def run():
        try:
            deed()
        finally:
            connection.close()

    thread = threading.Thread(target=run)
    thread.start()
    return thread


def test_one_that_begins_while_another_ends_is_not_forgotten():
    of = organization()
    writing, late = import_that(of, "committing"), import_that(of, "validated")
    began = []

    with step(writing) as row:
        transitions.complete(row)  # and sees nobody who waits
        with_others = in_thread(lambda: (approve(late), began.append(begin(late))))
        eventually(lambda: began or waits())
    with_others.join()

    assert began == [True]
    assert now(late).state == "committing"


def approve(of):
    with step(of) as row:
        transitions.approve(row, confirmed=[])


@pytest.mark.parametrize("end", ["complete", "cancel"])
def test_the_end_of_one_that_writes_sends_the_one_that_waits_longest(end):
    of = organization()
    writing, first, second = (
        import_that(of, state) for state in ("committing", "approved", "approved")
    )
    assert not begin(first)

    with step(writing) as row:
        getattr(transitions, end)(row)

    assert (jobs_of(first), jobs_of(second)) == (1, 0)


def test_two_that_wait_are_cancelled_at_once_and_a_third_is_sent():
    of = organization()
    first, second, third = (import_that(of, "approved") for _ in range(3))
    done = threading.Barrier(2)

    def cancel(one):
        with step(one) as row:
            done.wait(20)  # both rows are locked now
            transitions.cancel(row)

    for thread in [in_thread(lambda one=one: cancel(one)) for one in (first, second)]:
        thread.join()

    assert [now(one).state for one in (first, second)] == ["cancelled", "cancelled"]
    assert jobs_of(third) >= 1


def test_another_kind_or_organization_does_not_wait():
    of = organization()
    import_that(of, "committing")
    elsewhere = import_that(organization(), "approved")

    assert begin(elsewhere)
