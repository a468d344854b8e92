"""Cancel an export: before it runs, while it runs, and when it is too late."""

from collections.abc import Callable
from pathlib import Path

import dramatiq
import psycopg
import pytest
from django.conf import settings

from jobs.errors import NotInState
from jobs.families.transfers.exports import removal, request
from jobs.families.transfers.models import Export
from tenancy.errors import AccessDenied
from tests.factories import tenancy as make
from tests.waiting import eventually

from .conftest import House


def cancel(house: House, export: Export) -> Export:
    return house.act(lambda: request.cancel(export))


def test_one_that_waits_never_runs(house: House, work: Callable[[], None], folder: Path) -> None:
    export = house.ask("csv")

    assert cancel(house, export).state == "cancelled"
    work()

    assert house.now(export).state == "cancelled"
    assert list(folder.rglob("*.csv")) == []
    assert house.told(export) == ["export.requested", "export.cancelled"]
    assert house.job(export).state == "succeeded"


def test_one_that_runs_ends_without_a_file(
    house: House, start_worker: Callable[[], dramatiq.Worker], folder: Path
) -> None:
    house.entries({"title": "One"})
    export = house.ask("csv")
    with psycopg.connect(settings.DATABASE_URL) as holder:
        holder.execute("LOCK TABLE tenancy_timelineentry IN ACCESS EXCLUSIVE MODE")
        start_worker()
        eventually(lambda: house.now(export).state == "running")
        asked = cancel(house, export)
        assert (asked.state, asked.cancel_requested_at is not None) == ("running", True)
        assert cancel(house, export).cancel_requested_at == asked.cancel_requested_at

    eventually(lambda: house.now(export).state == "cancelled")

    eventually(lambda: house.job(export).state == "succeeded")
    removal.tick()
    assert list(folder.rglob("*.csv")) == []
    assert house.now(export).object_key == ""
    assert house.told(export) == [
        "export.requested",
        "export.cancel_requested",
        "export.cancelled",
    ]


def test_one_that_is_completed_is_not_cancelled(house: House, work: Callable[[], None]) -> None:
    export = house.ask("csv")
    work()

    with pytest.raises(NotInState, match="completed"):
        cancel(house, export)


def test_cancelling_twice_is_one_cancellation(house: House) -> None:
    export = house.ask("csv")

    first, second = cancel(house, export), cancel(house, export)

    assert first.finished_at == second.finished_at
    assert house.told(export) == ["export.requested", "export.cancelled"]


def test_who_may_not_export_may_not_cancel(house: House) -> None:
    export = house.ask("csv")
    viewer = make.member(house.organization, role="viewer")
    house.actor = type(house.actor).user(viewer.pk)

    with pytest.raises(AccessDenied):
        cancel(house, export)
