"""Every change of a document is counted in its transaction, and has a job that indexes it."""

import pytest
from django.db import transaction

from jobs.families.search.counter import count
from tenancy import changes
from tenancy.models import Mission
from tenancy.scope import scope
from tests.factories import tenancy as make
from tests.factories.jobs import at
from tests.factories.search import entries, version, waiting

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_new_mission_has_its_first_version_and_a_job() -> None:
    mission = make.mission()
    of = mission.organization

    assert version(of, mission) == 1
    [job] = waiting(of, "search.index_mission")
    assert job.payload == {"entity_id": mission.pk, "version": 1}
    assert job.actor_id == "system"
    assert job.project_id is None


def test_a_change_that_is_undone_was_never_counted() -> None:
    mission = make.mission()
    of = mission.organization

    with at(of):
        changes.update(mission, title="Pumps")
        transaction.set_rollback(True)

    assert version(of, mission) == 1
    assert len(waiting(of, "search.index_mission")) == 1


def test_two_changes_of_one_mission_in_one_request_are_two_versions_and_two_jobs() -> None:
    mission = make.mission()
    of = mission.organization

    with at(of):
        changes.update(mission, title="Pumps")
        changes.update(mission, title="Valves")

    assert version(of, mission) == 3
    assert [job.payload["version"] for job in waiting(of, "search.index_mission")] == [1, 2, 3]


def test_a_deleted_mission_is_a_tombstone_with_the_next_version() -> None:
    mission = make.mission()
    make.timeline_entry(mission)
    of = mission.organization
    before = version(of, mission)

    with at(of):
        changes.delete(mission)

    entry = entries(of)["mission", mission.pk]
    assert (entry.version, entry.deleted) == (before + 1, True)


def test_an_id_that_comes_back_goes_on_counting() -> None:
    mission = make.mission()
    of = mission.organization
    with at(of):
        changes.delete(mission)

    with at(of):
        again = {"project_id": mission.project_id, "reference": "AGAIN", "title": "Again"}
        changes.create(Mission(pk=mission.pk, organization=of, **again))

    entry = entries(of)["mission", mission.pk]
    assert (entry.version, entry.deleted) == (3, False)


def test_a_bulk_write_gives_many_missions_one_job_for_each_500() -> None:
    project = make.project()
    of = project.organization
    new = [
        Mission(organization=of, project=project, reference=f"M-{n}", title="Many")
        for n in range(501)
    ]

    with at(of):
        changes.create_many(new)

    assert {entry.version for key, entry in entries(of).items() if key[0] == "mission"} == {1}
    batches = waiting(of, "search.index_batch")
    assert [len(job.payload["entity_ids"]) for job in batches] == [500, 1]
    assert {job.queue_group for job in batches} == {"backfill"}
    assert waiting(of, "search.index_mission") == []


def test_versions_of_two_writers_never_meet() -> None:
    """The second waits for the row, and counts on from what the first committed."""
    mission = make.mission()
    of = mission.organization

    with scope(of):
        for _ in range(5):
            with transaction.atomic():
                count(of.pk, [("mission", mission.pk)])

    assert version(of, mission) == 6


def test_nothing_is_counted_for_another_organization() -> None:
    mission, other = make.mission(), make.organization()

    with at(other):
        count(other.pk, [("mission", mission.pk)])

    assert version(mission.organization, mission) == 1
    assert entries(other)["mission", mission.pk].version == 1
