"""An account of organization A asks for what is B's: not found, to the byte, and never a hint."""

import dataclasses
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from django.db import transaction

from audit.models import AuditEvent
from tenancy.scope import scope
from tests.factories import exports, imports, jobs, notifications, tenancy
from tests.factories.api import Caller

NOBODY = 9_000_000_000_000_000_000


@pytest.fixture
def theirs(victim: Caller, redis_url: str) -> dict[str, Any]:
    """One of everything that B has."""
    mission = tenancy.mission(tenancy.project(victim.organization))
    with scope(victim.organization), transaction.atomic():
        event = AuditEvent.objects.filter(organization=victim.organization).latest("pk")
    return {
        "project": mission.project_id,
        "mission": mission.pk,
        "entry": tenancy.timeline_entry(mission).pk,
        "assignment": tenancy.assignment(mission).pk,
        "collaborator": tenancy.collaborator(victim.organization).pk,
        "delivery": notifications.delivery(victim.organization).pk,
        "endpoint": notifications.endpoint(victim.organization).pk,
        "import": imports.import_row(victim.organization).pk,
        "job": jobs.dead_job(victim.organization).job_id,
        "export": exports.export(victim.organization).pk,
        "event": event.pk,
    }


def _invented(theirs: dict[str, Any]) -> dict[str, Any]:
    return {name: NOBODY if isinstance(key, int) else uuid4() for name, key in theirs.items()}


OBJECTS = [
    "/projects/{project}",
    "/missions/{mission}",
    "/missions/{mission}/timeline",
    "/missions/{mission}/timeline/{entry}",
    "/missions/{mission}/assignments",
    "/missions/{mission}/assignments/{assignment}",
    "/collaborators/{collaborator}",
    "/endpoints/{endpoint}",
    "/deliveries/{delivery}",
    "/imports/{import}",
    "/imports/{import}/issues",
    "/imports/{import}/report",
    "/jobs/{job}",
    "/audit-events/{event}",
    "/audit-events/{event}/proof",
    "/exports/{export}",
    "/exports/{export}/file",
]
ACTIONS = [
    "/endpoints/{endpoint}/rotate",
    "/endpoints/{endpoint}/disable",
    "/endpoints/{endpoint}/enable",
    "/imports/{import}/cancel",
    "/imports/{import}/resume",
    "/imports/{import}/undo",
    "/jobs/{job}/cancel",
    "/jobs/{job}/retry",
    "/exports/{export}/cancel",
]


@pytest.mark.parametrize("path", OBJECTS)
def test_an_object_of_b_answers_as_one_that_is_not_there(
    mallory: Caller, theirs: dict[str, Any], path: str
) -> None:
    existing = mallory.get(path.format(**theirs))
    invented = mallory.get(path.format(**_invented(theirs)))

    assert existing.status_code == invented.status_code == 404
    assert existing.content == invented.content
    assert _headers(existing) == _headers(invented)


@pytest.mark.parametrize("path", [path for path in OBJECTS if not path.endswith("s")])
def test_an_object_of_b_cannot_be_changed(
    mallory: Caller, victim: Caller, theirs: dict[str, Any], path: str
) -> None:
    before = victim.get(path.format(**theirs)).json()

    refused = mallory.patch(path.format(**theirs), {})

    assert refused.status_code in (404, 405)
    assert victim.get(path.format(**theirs)).json() == before


@pytest.mark.parametrize("path", ACTIONS)
def test_nothing_can_be_done_to_an_object_of_b(
    mallory: Caller, victim: Caller, theirs: dict[str, Any], path: str
) -> None:
    address = path.format(**theirs)
    target = address.rpartition("/")[0]
    before = victim.get(target).json()

    refused = mallory.post(address, {"reason": "mine now"})
    invented = mallory.post(path.format(**_invented(theirs)), {"reason": "mine now"})

    assert refused.status_code == invented.status_code == 404
    assert refused.content == invented.content
    assert victim.get(target).json() == before


@pytest.mark.parametrize(
    "ask",
    [
        pytest.param(lambda c: c.get("/projects"), id="list"),
        pytest.param(lambda c: c.post("/projects", {"code": "X", "name": "X"}), id="create"),
        pytest.param(lambda c: c.post("/projects", {"code": 7}), id="create wrongly"),
        pytest.param(lambda c: c.get("/audit-events"), id="audit log"),
        pytest.param(lambda c: c.get("/audit-events/checkpoint"), id="checkpoint"),
        pytest.param(lambda c: c.get("/audit-events/consistency?first=1&second=2"), id="growth"),
        pytest.param(lambda c: c.get("/jobs"), id="jobs"),
        pytest.param(lambda c: c.get("/endpoints"), id="endpoints"),
    ],
)
def test_a_token_of_a_opens_b_no_more_than_an_organization_that_is_not_there(
    mallory: Caller, victim: Caller, ask: Callable[[Caller], Any]
) -> None:
    in_b = ask(dataclasses.replace(victim, token=mallory.token))
    nowhere = ask(_elsewhere(mallory, NOBODY))
    made_up = ask(dataclasses.replace(victim, token="cp_" + "x" * 43))

    assert in_b.status_code == 404
    assert in_b.content == nowhere.content == made_up.content
    assert _headers(in_b) == _headers(nowhere) == _headers(made_up)


def test_b_cannot_be_referred_to_from_a_and_the_answer_does_not_tell_whether_it_exists(
    mallory: Caller, theirs: dict[str, Any]
) -> None:
    def create(project_id: int) -> Any:
        body = {"project_id": project_id, "reference": "M-1", "title": "Survey"}
        return mallory.post("/missions", body)

    existing, invented = create(theirs["project"]), create(NOBODY)

    assert existing.status_code == 422
    assert existing.content == invented.content


def test_b_cannot_be_assigned_to_a_mission_of_a(mallory: Caller, theirs: dict[str, Any]) -> None:
    mission = tenancy.mission(tenancy.project(mallory.organization))

    def assign(collaborator_id: int) -> Any:
        body = {"collaborator_id": collaborator_id}
        return mallory.post(f"/missions/{mission.pk}/assignments", body)

    existing, invented = assign(theirs["collaborator"]), assign(NOBODY)

    assert existing.status_code == 422
    assert existing.content == invented.content


def test_a_filter_by_an_object_of_b_finds_nothing(mallory: Caller, theirs: dict[str, Any]) -> None:
    listed = mallory.get(f"/missions?project_id={theirs['project']}")

    assert listed.json() == {"items": [], "next": None}


def test_a_cursor_of_b_shows_rows_of_a_only(mallory: Caller, victim: Caller) -> None:
    mine = tenancy.project(mallory.organization)
    for _ in range(2):
        tenancy.project(victim.organization)
    next_of_b = victim.get("/projects?limit=1").json()["next"]

    listed = mallory.get(f"/projects?{next_of_b.partition('?')[2]}")

    assert [one["id"] for one in listed.json()["items"]] == [mine.pk]


def test_the_site_organization_has_no_api(mallory: Caller) -> None:
    assert _elsewhere(mallory, 0).get("/audit-events").status_code == 404


def test_what_was_denied_to_a_valid_token_stands_in_its_organizations_audit_log(
    mallory: Caller, theirs: dict[str, Any]
) -> None:
    path = f"/projects/{theirs['project']}"

    mallory.get(path)

    with scope(mallory.organization), transaction.atomic():
        event = AuditEvent.objects.get(action="access.not_found")
    assert event.actor == f"service:{mallory.account.pk}"
    assert event.outcome == "denied"
    assert mallory.address(path) in event.event


def _elsewhere(caller: Caller, organization_id: int) -> Caller:
    return dataclasses.replace(caller, organization=type(caller.organization)(pk=organization_id))


def _headers(response: Any) -> dict[str, str]:
    return {k: v for k, v in response.headers.items() if k != "X-Correlation-ID"}
