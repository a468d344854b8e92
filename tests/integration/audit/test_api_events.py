import pytest

from tests.factories import tenancy
from tests.factories.api import Caller


@pytest.fixture
def admin(transactional_db: None) -> Caller:
    return Caller.of(role="admin")


def test_events_are_found_by_their_correlation_id(admin: Caller) -> None:
    tenancy.project(admin.organization)
    admin.post("/projects", {"code": "A", "name": "A"}, **{"X-Correlation-ID": "order-7"})

    [event] = admin.get("/audit-events?correlation_id=order-7").json()["items"]

    assert event["event"]["action"] == "project.created"
    assert event["event"]["changes"]["code"] == {"before": None, "after": "A"}
    assert admin.get(f"/audit-events/{event['id']}").json() == event


def test_pages_of_the_log_follow_each_other(admin: Caller) -> None:
    for _ in range(3):
        tenancy.project(admin.organization)
    everything = admin.get("/audit-events").json()["items"]

    first = admin.get("/audit-events?limit=2").json()
    rest = admin.get(first["next"].removeprefix(admin.address(""))).json()

    assert first["items"] + rest["items"] == everything[: len(first["items"] + rest["items"])]
    assert len(first["items"]) == 2


def test_what_is_about_a_person_stands_apart(admin: Caller) -> None:
    admin.post("/collaborators", {"email": "ada@example.org", "name": "Ada"})

    [event] = admin.get("/audit-events?action=collaborator.created").json()["items"]

    assert "ada@example.org" not in str(event["event"])
    assert event["personal"]["email"]["after"] == "ada@example.org"


def test_an_editor_does_not_read_the_log(admin: Caller) -> None:
    editor = Caller.of(admin.organization, role="editor")

    assert editor.get("/audit-events").status_code == 403
