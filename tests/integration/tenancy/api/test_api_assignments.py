import pytest

from tenancy.models import Mission
from tests.factories import tenancy
from tests.factories.api import Caller


@pytest.fixture
def mission(caller: Caller) -> Mission:
    return tenancy.mission(tenancy.project(caller.organization))


def test_a_mission_is_reassigned_to_another_collaborator(caller: Caller, mission: Mission) -> None:
    first, second = (tenancy.collaborator(caller.organization) for _ in range(2))
    created = caller.post(
        f"/missions/{mission.pk}/assignments", {"collaborator_id": first.pk, "role": "pilot"}
    )
    address = f"/missions/{mission.pk}/assignments/{created.json()['id']}"

    changed = caller.patch(address, {"collaborator_id": second.pk})

    assert created.status_code == 201
    assert changed.json() == created.json() | {"collaborator_id": second.pk}
    assert caller.get(address).json() == changed.json()


def test_a_collaborator_is_assigned_once(caller: Caller, mission: Mission) -> None:
    person = tenancy.collaborator(caller.organization)
    body = {"collaborator_id": person.pk}
    caller.post(f"/missions/{mission.pk}/assignments", body)

    again = caller.post(f"/missions/{mission.pk}/assignments", body)

    assert again.status_code == 409


def test_an_assignment_is_taken_back(caller: Caller, mission: Mission) -> None:
    assignment = tenancy.assignment(mission)

    deleted = caller.delete(f"/missions/{mission.pk}/assignments/{assignment.pk}")

    assert deleted.status_code == 204
    assert caller.get(f"/missions/{mission.pk}/assignments").json()["items"] == []
