import pytest

from tests.factories.api import Caller


@pytest.fixture
def admin(transactional_db: None) -> Caller:
    return Caller.of(role="admin")


def test_a_collaborator_is_put_on_the_roster_and_made_inactive(admin: Caller) -> None:
    created = admin.post("/collaborators", {"email": "ada@example.org", "name": "Ada"})
    address = f"/collaborators/{created.json()['id']}"

    changed = admin.patch(address, {"status": "inactive"})

    assert created.status_code == 201
    assert changed.json() == created.json() | {"status": "inactive"}
    assert admin.get("/collaborators?status=active").json()["items"] == []


@pytest.mark.parametrize("email", ["ada", "a@b", "ada@exa mple.org", "ada@example.org\nBcc: x"])
def test_what_is_no_mail_address_is_refused(admin: Caller, email: str) -> None:
    refused = admin.post("/collaborators", {"email": email, "name": "Ada"})

    assert refused.status_code == 422
    assert refused.json()["errors"][0]["field"] == "body.email"


def test_an_editor_reads_the_roster_and_does_not_write_it(caller: Caller) -> None:
    read = caller.get("/collaborators")
    write = caller.post("/collaborators", {"email": "ada@example.org", "name": "Ada"})

    assert (read.status_code, write.status_code) == (200, 403)
