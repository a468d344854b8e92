"""An organization proves its log to others, who check it without us."""

import base64
import hashlib
from typing import Any

import pytest

from audit.sealing import heads, proofs
from audit.sealing.tick import installed, seal_next
from tests.factories import tenancy
from tests.factories.admin import signed_in
from tests.factories.api import Caller
from tests.unit.audit.test_merkle import both_roots, climbed


@pytest.fixture
def admin(transactional_db: None) -> Caller:
    return Caller.of(role="admin")


def sealed(admin: Caller, *, batches: int) -> heads.Head:
    """A project and a seal for each batch; the last head."""
    for _ in range(batches):
        tenancy.project(admin.organization)
        seal_next(admin.organization.pk, installed())
    return heads.opened(
        admin.get("/audit-events/checkpoint").json()["checkpoint"], installed().trusted
    )


def events(admin: Caller) -> list[dict[str, Any]]:
    """All of them, the oldest first."""
    found: list[dict[str, Any]] = admin.get("/audit-events?limit=200").json()["items"]
    return found[::-1]


def test_each_event_is_proved_to_be_in_the_log(admin: Caller) -> None:
    sealed(admin, batches=4)
    for event in events(admin):
        told = admin.get(f"/audit-events/{event['id']}/proof").json()
        head = heads.opened(told["checkpoint"], installed().trusted)
        line = told["line"].encode()
        proof = [base64.b64decode(one) for one in told["proof"]]

        leaf = hashlib.sha256(b"\x00" + line).digest()
        assert climbed(told["seq"] - 1, head.size, leaf, proof) == head.root
        assert event["id"].encode() in line
        assert head.organization_id == admin.organization.pk


def test_two_heads_are_proved_to_be_of_one_log(admin: Caller) -> None:
    first = sealed(admin, batches=1)
    middle = sealed(admin, batches=2)
    last = sealed(admin, batches=3)

    for older, newer in ((first, middle), (first, last), (middle, last)):
        ask = f"/audit-events/consistency?first={older.size}&second={newer.size}"
        told = admin.get(ask).json()
        proof = [base64.b64decode(one) for one in told["proof"]]
        assert heads.opened(told["first"], installed().trusted) == older
        assert both_roots(older.size, newer.size, older.root, proof) == (older.root, newer.root)
    same = admin.get(f"/audit-events/consistency?first={last.size}&second={last.size}").json()
    assert (same["first"], same["proof"]) == (same["second"], [])


def test_what_is_not_sealed_has_no_proof_yet(admin: Caller) -> None:
    assert admin.get("/audit-events/checkpoint").status_code == 404
    sealed(admin, batches=1)
    tenancy.project(admin.organization)
    told = admin.get(f"/audit-events/{events(admin)[-1]['id']}/proof")

    assert told.status_code == 200
    assert set(told.json().values()) == {None}


def test_heads_that_are_none_or_too_far_apart_are_refused(
    admin: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    size = sealed(admin, batches=2).size

    def status(first: int, second: int) -> int:
        return int(
            admin.get(f"/audit-events/consistency?first={first}&second={second}").status_code
        )

    assert status(size, size + 1) == 404
    assert status(size - 1, size + 50) == 404
    assert status(size, size - 1) == 422
    monkeypatch.setattr(proofs, "MOST", 0)
    assert status(1, size) == 422


def test_an_editor_proves_nothing(admin: Caller) -> None:
    sealed(admin, batches=1)
    editor = Caller.of(admin.organization, role="editor")

    for path in ("checkpoint", "consistency?first=1&second=1", f"{events(admin)[0]['id']}/proof"):
        assert editor.get(f"/audit-events/{path}").status_code == 403


def test_the_page_of_an_event_has_its_number_and_its_proof(admin: Caller) -> None:
    sealed(admin, batches=1)
    tenancy.project(admin.organization)
    person = signed_in(tenancy.member(admin.organization, role="admin"))
    old, new = events(admin)[0], events(admin)[-1]

    page = person.get(f"/admin/audit/auditevent/{old['id']}/change/").content.decode()
    assert "Number 1 of the log" in page
    assert "The proof that it is in the log" in page
    page = person.get(f"/admin/audit/auditevent/{new['id']}/change/").content.decode()
    assert "Not yet" in page
