"""Files go after their days, and when the organization is suspended."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from jobs.families.transfers.errors import NotThere
from jobs.families.transfers.exports import removal, request
from jobs.families.transfers.models import Export
from tenancy import changes, clock
from tenancy.errors import AccessDenied

from .conftest import House


@pytest.fixture
def export(house: House, work: Callable[[], None]) -> Export:
    """One with a file."""
    house.entries({"title": "One"})
    asked = house.ask("csv")
    work()
    return house.now(asked)


def files(folder: Path) -> list[str]:
    return sorted(one.name for one in folder.rglob("*") if one.is_file())


def test_a_file_is_removed_after_its_days_with_its_manifest(
    house: House, export: Export, folder: Path
) -> None:
    assert files(folder) == ["manifest.json", export.file_name]
    house.act(
        lambda: Export.objects.filter(pk=export.pk).update(
            expires_at=clock.now() - timedelta(seconds=1)
        )
    )
    with pytest.raises(NotThere):
        house.act(lambda: request.download(house.now(export)))

    removal.tick()
    removal.tick()

    assert files(folder) == []
    assert (house.now(export).state, house.now(export).object_key) == ("expired", "")


def test_a_file_within_its_days_stays(export: Export, folder: Path) -> None:
    removal.tick()

    assert files(folder) == ["manifest.json", export.file_name]


def test_a_suspended_organization_has_no_files_from_that_moment_on(
    house: House, export: Export, folder: Path
) -> None:
    house.act(lambda: changes.update(house.organization, state="suspended"))

    assert house.now(export).state == "expired"
    with pytest.raises(AccessDenied):
        house.act(lambda: request.download(house.now(export)))
    removal.tick()
    assert files(folder) == []


def test_an_export_of_a_suspended_organization_waits_and_then_begins_anew(
    house: House, work: Callable[[], None]
) -> None:
    export = house.ask("csv")
    house.act(lambda: changes.update(house.organization, state="suspended"))

    work()

    assert house.now(export).state == "queued"
    assert house.job(export).hold == "organization_suspended"
