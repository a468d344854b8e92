"""What an import writes is found: each touched mission is counted once in each chunk."""

import pytest

from jobs.families.transfers.imports import decide as doors
from tests import factories
from tests.factories.imports import csv, decide, line
from tests.factories.search import vector, version, waiting, work

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def mission():
    return factories.mission()


def test_a_mission_is_counted_once_for_each_chunk_that_touches_it(
    validated, until, settings, mission
):
    settings.IMPORTS_CHUNK_ROWS = 5
    of, before = mission.organization, version(mission.organization, mission)
    rows = (line(f"E-{n:02}", mission.reference, title=f"Imported {n}") for n in range(20))

    plan = validated(csv(*rows), of=of)
    assert version(of, mission) == before
    until(decide(doors.approve, plan), "completed")

    assert version(of, mission) == before + 4
    assert len(waiting(of, "search.index_mission")) == before + 4
    work(of, "search.index")
    assert ":imported'" in vector(of, mission)


def test_an_undo_is_found_too(completed, until, mission):
    of = mission.organization
    imported = completed(csv(line("E-1", mission.reference, title="Imported")), of=of)
    work(of, "search.index")
    before = version(of, mission)

    until(decide(doors.undo, imported), "undone")

    assert version(of, mission) == before + 1
    work(of, "search.index")
    assert ":imported'" not in vector(of, mission)


def test_a_mission_that_loses_an_entry_to_another_is_counted(completed, mission):
    of = mission.organization
    other = factories.mission(mission.project)
    completed(csv(line("E-1", mission.reference)), of=of)
    before = version(of, mission), version(of, other)

    completed(csv(line("E-1", other.reference)), of=of)

    assert (version(of, mission), version(of, other)) == (before[0] + 1, before[1] + 1)
