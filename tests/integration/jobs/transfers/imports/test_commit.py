"""From a file to entries, through a worker."""

import pytest

from jobs.families.transfers.imports import decide as doors
from tenancy.models import TimelineEntry
from tests import factories
from tests.factories.imports import csv, decide, line, uploaded
from tests.factories.jobs import at

pytestmark = pytest.mark.django_db(transaction=True)


def entries(of) -> dict[str, TimelineEntry]:
    with at(of.organization_id):
        found = TimelineEntry.objects.filter(organization_id=of.organization_id)
        return {one.external_id: one for one in found}


def test_a_file_becomes_entries(until):
    mission = factories.mission()
    file = csv(*(line(f"E-{n}", mission.reference) for n in range(5)))

    of = until(uploaded(file, of=mission.organization), "validated", "checked", "rejected")
    assert (of.state, of.plan["added"]) == ("validated", 5), (of.survey, of.problem)
    assert entries(of) == {}
    of = until(decide(doors.approve, of), "completed", "stopped")

    assert of.state == "completed", of.problem
    assert set(entries(of)) == {f"E-{n}" for n in range(5)}
