"""write: SQL that goes with the settle, in its transaction and under its fence."""

import pytest

from jobs.execution.leases import leases
from tenancy.models import Mission
from tenancy.postgresql.flush import Statement
from tests.factories import mission
from tests.factories.jobs import at, claim, fall_silent, queued_job, row
from tests.integration.jobs.execution.looking import attempts, until
from tests.threads import elsewhere
from tests.waiting import eventually

pytestmark = pytest.mark.django_db(transaction=True)


def title_of(place):
    with at(place.organization_id):
        return Mission.objects.get(pk=place.pk).title


def take_over(ref):
    fall_silent(leases.worker_id)
    claim(ref)


def retitle(place, title="written", *, sql_of_title="%(title)s"):
    return Statement(
        name=f"tests.retitle.{sql_of_title}",
        sql=f"UPDATE tenancy_mission SET title = {sql_of_title}"
        " WHERE organization_id = %(organization_id)s AND id = %(mission_id)s",
        parameters={
            "title": title,
            "organization_id": place.organization_id,
            "mission_id": place.pk,
        },
    )


def test_it_commits_with_the_settle(declare, start_worker):
    place = mission(title="before")
    seen = []

    def perform(run):
        run.write(retitle(place))
        seen.append(title_of(place))

    ref = queued_job(place.organization, declare(perform))
    start_worker()

    until(ref, "succeeded")
    assert (seen, title_of(place)) == (["before"], "written")


def test_what_it_raises_fails_the_attempt_and_undoes_all(declare, start_worker):
    place = mission(title="before")

    def perform(run):
        run.write(retitle(place))
        run.write(retitle(place, sql_of_title="(1 / length(''))::text || %(title)s"))

    ref = queued_job(place.organization, declare(perform, max_retries=0))
    start_worker()

    until(ref, "dead")
    assert "division by zero" in attempts(ref)[0].error_message
    assert title_of(place) == "before"


def test_under_a_lost_fence_nothing_is_written(declare, start_worker, logged):
    place = mission(title="before")

    def perform(run):
        run.write(retitle(place))
        with elsewhere() as begin:
            begin(take_over, run.job.ref).result(20)

    ref = queued_job(place.organization, declare(perform))
    start_worker()

    eventually(lambda: "job_lease_lost" in [line["event"] for line in logged()], within=20)
    assert (title_of(place), row(ref).fence) == ("before", 2)


def test_it_reaches_only_rows_of_its_own_organization(declare, start_worker):
    ours, theirs = mission(title="ours"), mission(title="theirs")

    ref = queued_job(ours.organization, declare(lambda run: run.write(retitle(theirs))))
    start_worker()

    until(ref, "succeeded")
    assert title_of(theirs) == "theirs"


def test_an_outside_effect_writes_where_it_settles(declare, start_worker):
    place = mission(title="before")

    def perform(run):
        with run.settling():
            run.write(retitle(place))

    ref = queued_job(place.organization, declare(perform, effect="outside"))
    start_worker()

    until(ref, "succeeded")
    assert title_of(place) == "written"


def test_an_outside_effect_that_writes_elsewhere_is_told(declare, start_worker):
    place = mission(title="before")

    ref = queued_job(
        place.organization,
        declare(lambda run: run.write(retitle(place)), effect="outside", max_retries=0),
    )
    start_worker()

    until(ref, "dead")
    assert "outside `with run.settling():`" in attempts(ref)[0].error_message
    assert title_of(place) == "before"
