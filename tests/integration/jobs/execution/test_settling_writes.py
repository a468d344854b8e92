"""settling: what jobs write is committed together with others, each by itself."""

import threading

import pytest
from django.db import DataError, IntegrityError, transaction

from jobs.errors import LeaseLost
from jobs.execution.settling import Settler
from tenancy import changes
from tenancy.models import Mission
from tenancy.postgresql.flush import Statement
from tests.factories import mission
from tests.factories.jobs import (
    at,
    queued_job,
    row,
    running_job,
)
from tests.integration.jobs.execution.looking import until
from tests.integration.jobs.execution.settled import held, lost_job
from tests.waiting import eventually

pytestmark = pytest.mark.django_db(transaction=True)

TITLE = "UPDATE tenancy_mission SET title = %(title)s WHERE id = %(id)s"


def writes(place, sql=TITLE, name="tests.writes"):
    """An effect that no query of its actor's begins."""

    def perform(run):
        given = {"title": f"fence {run.job.fence}", "id": place.pk}
        run.write(Statement(name=name, sql=sql, parameters=given))

    return perform


def title(place):
    with at(place.organization_id):
        return Mission.objects.get(pk=place.pk).title


def test_an_effect_that_fails_undoes_itself_and_no_neighbour(settler):
    good, bad, last = mission(), mission(), mission()
    jobs = [running_job(one.organization) for one in (good, bad, last)]
    broken = Statement(name="tests.broken", sql="SELECT 1 / 0")

    with held(settler):
        written = [
            settler.settle(jobs[0], titled(good, "first")),
            settler.settle(jobs[1], titled(bad, "never"), broken),
            settler.settle(jobs[2], titled(last, "last")),
        ]

    assert isinstance(written[1].exception(20), DataError)
    assert [written[n].result(20) for n in (0, 2)] == [None, None]
    assert [row(job.ref).state for job in jobs] == ["succeeded", "running", "succeeded"]
    assert [title(good), title(last)] == ["first", "last"]
    assert title(bad) != "never"


def titled(place, title):
    return Statement(name="tests.titled", sql=TITLE, parameters={"title": title, "id": place.pk})


def test_an_effect_reaches_only_rows_of_its_own_organization(settler):
    ours, theirs = mission(), mission()

    with held(settler):
        written = [
            settler.settle(running_job(ours.organization), titled(theirs, "ours now")),
            settler.settle(running_job(theirs.organization), titled(ours, "theirs now")),
        ]

    assert [one.result(20) for one in written] == [None, None]
    assert title(ours) != "theirs now"
    assert title(theirs) != "ours now"


def test_a_constraint_that_is_checked_late_is_its_own_job_s_error(settler):
    place = mission()
    orphan = Statement(
        name="tests.orphaned",
        sql="UPDATE tenancy_mission SET project_id = -1 WHERE id = %(id)s",
        parameters={"id": place.pk},
    )
    jobs = [running_job(place.organization), running_job()]

    with held(settler):
        refused, written = settler.settle(jobs[0], orphan), settler.settle(jobs[1])

    assert isinstance(refused.exception(20), IntegrityError)
    assert written.result(20) is None


def test_an_effect_under_a_lost_fence_is_undone(settler):
    place, late = mission(title="before"), lost_job()
    job = running_job(place.organization)

    with held(settler):
        lost = settler.settle(late, Statement(name="tests.one", sql="SELECT 1"))
        written = settler.settle(job, titled(place, "after"))

    assert isinstance(lost.exception(20), LeaseLost)
    assert written.result(20) is None
    assert title(place) == "after"


def test_an_effect_that_takes_long_keeps_nobody_waiting_and_its_next_is_its_own_thread_s(settler):
    sleeps = Statement(name="tests.sleeps", sql="SELECT pg_sleep(1)")
    slow, quick = running_job(), running_job()

    with held(settler):
        written = [settler.settle(slow, sleeps), settler.settle(quick)]

    assert written[1].result(20) is None
    eventually(lambda: not settler.takes(slow))
    assert settler.takes(quick)
    assert written[0].result(20) is None
    assert row(slow.ref).state == "succeeded"


def test_what_its_actor_did_in_the_orm_stays_in_one_transaction_with_the_rest(
    declare, start_worker
):
    place = mission()

    def perform(run):
        changes.update(Mission.objects.get(pk=place.pk), title="by the ORM")
        writes(place)(run)
        raise_once(run)

    def raise_once(run):
        if run.job.attempt == 1:
            raise ConnectionError

    ref = queued_job(place.organization, declare(perform))
    start_worker()

    assert until(ref, "succeeded").attempt == 2
    assert title(place) == "fence 2"


def test_what_is_to_run_after_the_commit_runs_after_it(declare, start_worker):
    place, seen = mission(), []

    def perform(run):
        writes(place)(run)
        transaction.on_commit(lambda: seen.append(title(place)))

    ref = queued_job(place.organization, declare(perform))
    start_worker()

    until(ref, "succeeded")
    eventually(lambda: seen == ["fence 1"])


@pytest.mark.parametrize(
    "spoils", ["BEGIN", "DEALLOCATE ALL", "SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY"]
)
def test_a_statement_that_changes_the_session_completes_nobody_wrongly(settler, spoils):
    places = [mission() for _ in range(4)]
    jobs = [running_job(one.organization) for one in places]
    spoiling = Statement(name=f"tests.spoils.{spoils[:5]}", sql=spoils)

    with held(settler):
        written = [settler.settle(jobs[0], titled(places[0], "spoilt"), spoiling)]
        written += [
            settler.settle(job, titled(place, "kept"))
            for job, place in zip(jobs[1:], places[1:], strict=True)
        ]
    ended = [one.exception(20) for one in written[1:]]

    assert all(error is None or isinstance(error, LeaseLost) for error in ended)
    assert [title(place) for place in places[1:]] == ["kept"] * 3
    assert {row(job.ref).state for job in jobs[1:]} == {"succeeded"}


def test_a_write_that_fails_on_a_locked_row_keeps_nobody_waiting(settler):
    jobs = [running_job() for _ in range(2)]
    free, broken = running_job(), Statement(name="tests.broken", sql="SELECT 1 / 0")

    def lock_and_fail(job):
        written = settler.settle(job, broken)
        written.add_done_callback(lambda _: row_locked.wait(20))

    row_locked = threading.Event()
    for job in jobs:
        lock_and_fail(job)

    assert settler.settle(free).result(20) is None
    row_locked.set()


def test_whoever_stops_waits_for_what_is_settled_apart(transactional_db):
    settler, slow = Settler(), running_job()
    settler.start()
    written = settler.settle(slow, Statement(name="tests.sleeps", sql="SELECT pg_sleep(1)"))

    settler.stop()

    assert written.done()
    assert row(slow.ref).state == "succeeded"
