from tests.factories.api import Caller


def test_a_created_project_can_be_read_at_its_location(caller: Caller) -> None:
    created = caller.post("/projects", {"code": "APOLLO", "name": "To the moon"})

    assert created.status_code == 201
    shown = caller.get(f"/projects/{created.json()['id']}")
    assert created["Location"] == caller.address(f"/projects/{created.json()['id']}")
    assert shown.json() == created.json()
    assert shown.json()["state"] == "active"


def test_a_code_that_is_taken_is_a_conflict_that_names_the_field(caller: Caller) -> None:
    caller.post("/projects", {"code": "APOLLO", "name": "First"})

    again = caller.post("/projects", {"code": "APOLLO", "name": "Second"})

    assert again.status_code == 409
    assert again.json()["code"] == "duplicate"
    assert [one["field"] for one in again.json()["errors"]] == ["body.code"]


def test_what_a_change_leaves_out_stays(caller: Caller) -> None:
    project = caller.post("/projects", {"code": "APOLLO", "name": "First"}).json()

    changed = caller.patch(f"/projects/{project['id']}", {"state": "archived"})

    assert changed.status_code == 200
    assert changed.json() == project | {"state": "archived"}


def test_null_is_not_the_same_as_left_out(caller: Caller) -> None:
    project = caller.post("/projects", {"code": "APOLLO", "name": "First"}).json()

    refused = caller.patch(f"/projects/{project['id']}", {"name": None})

    assert refused.status_code == 422
    assert caller.get(f"/projects/{project['id']}").json() == project


def test_every_refused_field_is_listed(caller: Caller) -> None:
    refused = caller.post("/projects", {"code": "", "name": "x" * 201, "owner": "me"})

    assert refused.status_code == 422
    fields = {one["field"] for one in refused.json()["errors"]}
    assert fields == {"body.code", "body.name", "body.owner"}


def test_projects_are_listed_by_state(caller: Caller) -> None:
    kept = caller.post("/projects", {"code": "A", "name": "A"}).json()
    archived = caller.post("/projects", {"code": "B", "name": "B"}).json()
    caller.patch(f"/projects/{archived['id']}", {"state": "archived"})

    active = caller.get("/projects?state=active").json()

    assert active == {"items": [kept], "next": None}
