"""An organization's own limits of imports, which only operators set."""

import pytest

from jobs.families.transfers.imports.errors import UploadRefused
from tenancy import changes
from tests import factories
from tests.factories.imports import csv, line, uploaded
from tests.factories.jobs import at

pytestmark = pytest.mark.django_db(transaction=True)


def rows(mission, count: int) -> bytes:
    return csv(*(line(f"E-{n}", mission.reference) for n in range(count)))


def limited(**limits: int):
    """A mission of an organization with these limits."""
    mission = factories.mission()
    with at(mission.organization):
        changes.update(mission.organization, **limits)
    return mission


def test_more_rows_than_it_may_import_are_refused_with_the_limit(until, validated):
    mission = limited(import_rows_limit=3)

    of = until(uploaded(rows(mission, 4), of=mission.organization), "rejected", "validated")

    assert (of.state, of.reason, of.problem["detail"]["limit"]) == ("rejected", "too_many_rows", 3)
    assert validated(rows(mission, 3), of=mission.organization).plan["rows"] == 3


def test_more_bytes_are_refused_and_nothing_of_them_is_kept(redis_url, folder, booted):
    mission = limited(import_bytes_limit=100)

    with pytest.raises(UploadRefused) as refused:
        uploaded(rows(mission, 4), of=mission.organization)

    assert (refused.value.code, refused.value.facts["limit"]) == ("file_too_large", 100)
    assert [one for one in folder.rglob("*") if one.is_file()] == []


def test_fewer_may_wait_at_once(redis_url, booted):
    mission = limited(imports_waiting_limit=1)
    uploaded(rows(mission, 1), of=mission.organization)

    with pytest.raises(UploadRefused) as refused:
        uploaded(rows(mission, 2), of=mission.organization)

    assert refused.value.code == "too_many_waiting"
    assert refused.value.facts == {"limit": 1, "found": 1}


def test_no_organization_sends_more_bytes_than_the_site_takes(redis_url, booted, settings):
    settings.IMPORTS_MAX_BYTES = 100
    mission = limited(import_bytes_limit=100_000)

    with pytest.raises(UploadRefused) as refused:
        uploaded(rows(mission, 4), of=mission.organization)

    assert refused.value.facts["limit"] == 100
