from typing import Any

import pytest

from tenancy.models import Mission
from tests.factories import tenancy
from tests.factories.api import Caller


@pytest.fixture
def mission(caller: Caller) -> Mission:
    return tenancy.mission(tenancy.project(caller.organization))


def _new(**fields: Any) -> dict[str, Any]:
    return {"title": "Take-off", "starts_at": "2026-03-01T09:00:00Z"} | fields


def test_an_entry_is_added_changed_and_deleted(caller: Caller, mission: Mission) -> None:
    entry = caller.post(f"/missions/{mission.pk}/timeline", _new()).json()
    address = f"/missions/{mission.pk}/timeline/{entry['id']}"

    changed = caller.patch(address, {"location": "Pad 39A"})
    deleted = caller.delete(address)

    assert changed.json() == entry | {"location": "Pad 39A"}
    assert deleted.status_code == 204
    assert caller.get(address).status_code == 404


def test_an_entry_belongs_to_its_mission_only(caller: Caller, mission: Mission) -> None:
    entry = caller.post(f"/missions/{mission.pk}/timeline", _new()).json()
    other = tenancy.mission(mission.project)

    elsewhere = caller.get(f"/missions/{other.pk}/timeline/{entry['id']}")

    assert elsewhere.status_code == 404


@pytest.mark.parametrize("field", ["title", "location", "notes", "kind", "external_id"])
def test_text_is_kept_composed_and_without_control_characters(
    caller: Caller, mission: Mission, field: str
) -> None:
    path = f"/missions/{mission.pk}/timeline"
    entry = {"title": "x", "starts_at": "2026-03-01T09:00:00Z"}

    made = caller.post(path, entry | {field: "Gro\u0308ße"})
    refused = [caller.post(path, entry | {field: f"a{sign}"}) for sign in "\x01\x1b\x7f\x85"]

    assert made.json()[field] == "Größe"
    assert [answer.status_code for answer in refused] == [422] * 4
    assert refused[0].json()["errors"][0]["field"] == f"body.{field}"


def test_an_entry_cannot_end_before_it_starts(caller: Caller, mission: Mission) -> None:
    entry = caller.post(f"/missions/{mission.pk}/timeline", _new()).json()
    address = f"/missions/{mission.pk}/timeline/{entry['id']}"

    refused = caller.patch(address, {"ends_at": "2026-02-01T09:00:00Z"})

    assert refused.status_code == 422
    assert caller.get(address).json() == entry


def test_an_external_id_is_taken_once(caller: Caller, mission: Mission) -> None:
    caller.post(f"/missions/{mission.pk}/timeline", _new(external_id="ext-1"))

    again = caller.post(f"/missions/{mission.pk}/timeline", _new(external_id="ext-1"))

    assert again.status_code == 409
    assert again.json()["errors"][0]["field"] == "body.external_id"
