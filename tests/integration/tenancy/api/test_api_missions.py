import uuid
from typing import Any

import pytest

from audit.models import AuditEvent
from tenancy.models import DomainEvent
from tenancy.scope import scope
from tests.factories import tenancy
from tests.factories.api import Caller


def _new(caller: Caller, **fields: Any) -> dict[str, Any]:
    project = tenancy.project(caller.organization)
    return {"project_id": project.pk, "reference": "M-1", "title": "Survey"} | fields


def test_a_mission_is_created_with_times_kept_in_utc(caller: Caller) -> None:
    body = _new(caller, starts_at="2026-03-01T09:00:00+02:00", ends_at="2026-03-02T09:00:00Z")

    created = caller.post("/missions", body)

    assert created.status_code == 201
    assert created.json()["starts_at"] == "2026-03-01T07:00:00Z"
    assert caller.get(f"/missions/{created.json()['id']}").json() == created.json()


@pytest.mark.parametrize("moment", ["2026-03-01T09:00:00", "2026-03-01", "1772355600", 1772355600])
def test_a_time_without_its_offset_is_refused(caller: Caller, moment: Any) -> None:
    refused = caller.post("/missions", _new(caller, starts_at=moment))

    assert refused.status_code == 422
    assert refused.json()["errors"][0]["field"] == "body.starts_at"


def test_a_mission_that_ends_before_it_starts_is_refused(caller: Caller) -> None:
    body = _new(caller, starts_at="2026-03-01T09:00:00Z")
    mission = caller.post("/missions", body).json()

    refused = caller.patch(f"/missions/{mission['id']}", {"ends_at": "2026-02-01T09:00:00Z"})

    assert refused.status_code == 422
    assert refused.json()["code"] == "refused"
    assert refused.json()["errors"][0]["message"] == "A mission cannot end before it starts."


def test_a_change_is_audited_and_becomes_a_domain_event_of_the_account(caller: Caller) -> None:
    mission = caller.post("/missions", _new(caller)).json()
    correlation_id = str(uuid.uuid4())

    caller.patch(
        f"/missions/{mission['id']}", {"state": "completed"}, **{"X-Correlation-ID": correlation_id}
    )

    with scope(caller.organization):
        event = _only(DomainEvent, correlation_id)
        audited = _only(AuditEvent, correlation_id)
    assert (event.event_type, event.actor_id) == (
        "mission.completed",
        f"service:{caller.account.pk}",
    )
    assert (audited.action, audited.actor) == ("mission.changed", event.actor_id)
    assert '"source":"api"' in audited.event


def test_missions_are_listed_by_project(caller: Caller) -> None:
    mine, other = tenancy.mission(), None
    other = tenancy.mission(tenancy.project(caller.organization))
    tenancy.mission(tenancy.project(caller.organization))

    listed = caller.get(f"/missions?project_id={other.project_id}").json()["items"]

    assert [one["id"] for one in listed] == [other.pk]
    assert caller.get(f"/missions?project_id={mine.project_id}").json()["items"] == []


def _only(model: Any, correlation_id: str) -> Any:
    from django.db import transaction

    with transaction.atomic():
        return model.objects.get(correlation_id=correlation_id)
