"""Imports through the API, with the bytes of a file; what a worker does with them is elsewhere."""

import io
import json
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.test.client import BOUNDARY, MULTIPART_CONTENT, encode_multipart
from pytest_django import Settings

from audit.models import AuditEvent
from jobs.families.transfers.models import Import
from tests.factories import imports, jobs
from tests.factories.api import Caller
from tests.factories.upload_files import good, timeline

FILE = timeline(good(1), good(2))


def send(caller: Caller, content: bytes = FILE, name: str = "plan.csv", **fields: Any) -> Any:
    """POST it as a browser would."""
    headers = {"Authorization": f"Bearer {caller.token}"}
    key = fields.pop("key", None)
    headers |= {"Idempotency-Key": key} if key else {}
    body = {"file": SimpleUploadedFile(name, content), **fields}
    return Client(headers=headers).post(caller.address("/imports"), body)


def test_an_uploaded_file_is_an_import_that_waits_for_its_check(admin: Caller) -> None:
    sent = send(admin, mode="update", acceptance="all_rows", choices='{"time_zone": "Asia/Tokyo"}')

    shown = admin.get(sent["Location"].removeprefix(admin.address(""))).json()
    listed = admin.get("/imports?state=uploaded").json()["items"]

    assert sent.status_code == 202, sent.json()
    assert (shown["state"], shown["file_name"], shown["file_bytes"]) == (
        "uploaded",
        "plan.csv",
        len(FILE),
    )
    assert (shown["choices"]["acceptance"], shown["choices"]["time_zone"]) == (
        "all_rows",
        "Asia/Tokyo",
    )
    assert [one["id"] for one in listed] == [shown["id"]]


@pytest.mark.parametrize("kept", [0.5, 0.9, 1])
def test_a_body_that_is_cut_off_is_400_and_nothing_of_it_is_kept(
    admin: Caller, kept: float
) -> None:
    file = SimpleUploadedFile("plan.csv", FILE)
    body = encode_multipart(BOUNDARY, {"kind": "timeline", "file": file})
    came = body[: int(len(body) * kept)]

    answer = Client(headers={"Authorization": f"Bearer {admin.token}"}).generic(
        "POST",
        admin.address("/imports"),
        **{
            "CONTENT_TYPE": MULTIPART_CONTENT,
            "CONTENT_LENGTH": str(len(body) + 1),
            "wsgi.input": io.BytesIO(came),
        },
    )

    assert (answer.status_code, answer.json()["code"]) == (400, "body_cut")
    assert admin.get("/imports").json()["items"] == []


def test_the_same_idempotency_key_gets_the_same_import(admin: Caller) -> None:
    first, again = send(admin, key="a"), send(admin, key="a")

    assert first.status_code == again.status_code == 202
    assert first.json()["id"] == again.json()["id"]
    assert len(admin.get("/imports").json()["items"]) == 1


@pytest.mark.parametrize("announced", [True, False], ids=["announced", "with a lie"])
def test_a_file_over_the_limit_is_413_and_nothing_of_it_is_kept(
    admin: Caller, settings: Settings, announced: bool
) -> None:
    settings.IMPORTS_MAX_BYTES = 100
    # Within what a form may have beside its file, the length alone does not tell.
    content = bytes(2_000_000) if announced else bytes(5_000)

    refused = send(admin, content)

    assert refused.status_code == 413
    assert (refused.json()["code"], refused.json()["facts"]) == ("file_too_large", {"limit": 100})
    assert admin.get("/imports").json()["items"] == []


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"choices": "{"}, "body.choices"),
        ({"choices": "[]"}, "body.choices"),
        ({"choices": '{"time_zone": "Mars/Base"}'}, "body.choices.time_zone"),
        ({"choices": '{"no_such": 1}'}, "body.choices.no_such"),
        ({"mode": "sync"}, "body.choices.mode"),
    ],
)
def test_choices_that_cannot_be_are_refused_by_name(
    admin: Caller, fields: dict[str, str], field: str
) -> None:
    refused = send(admin, **fields)

    assert refused.status_code == 422
    assert [one["field"] for one in refused.json()["errors"]] == [field], refused.json()


def test_a_viewer_sends_no_file_and_an_editor_no_roster(admin: Caller) -> None:
    organization = admin.organization

    by_viewer = send(Caller.of(organization, role="viewer"))
    roster = send(Caller.of(organization, role="editor"), kind="roster")

    assert (by_viewer.status_code, roster.status_code) == (403, 403)


def test_a_roster_that_may_not_be_sent_stands_in_the_log(admin: Caller) -> None:
    editor = Caller.of(admin.organization, role="editor")

    send(editor, kind="roster")

    with jobs.at(admin.organization):
        [event] = AuditEvent.objects.filter(actor=f"service:{editor.account.pk}")
        assert not Import.objects.filter(organization=admin.organization).exists()
    assert json.loads(event.event)["outcome"] == "denied"


def test_a_roster_is_sent_by_an_admin(admin: Caller) -> None:
    sent = send(admin, b"mail,role\na@example.test,viewer\n", kind="roster", mode="sync")

    assert (sent.status_code, sent.json()["kind"]) == (202, "roster")
    assert (sent.json()["choices"]["mode"], sent.json()["choices"]["acceptance"]) == (
        "sync",
        "all_rows",
    )


def test_a_roster_is_shown_to_nobody_who_may_not_import_one(admin: Caller) -> None:
    of = imports.import_row(admin.organization, kind="roster")
    editor = Caller.of(admin.organization, role="editor")

    asked = [editor.get(f"/imports/{of.pk}{more}").status_code for more in ("", "/issues")]

    assert asked == [404, 404]
    assert editor.get("/imports").json()["items"] == []
    assert [one["id"] for one in admin.get("/imports").json()["items"]] == [str(of.pk)]


def test_many_removals_are_approved_by_their_number(admin: Caller) -> None:
    plan = dict.fromkeys(("rows", "added", "changed", "unchanged", "failed"), 0)
    of = imports.import_row(
        admin.organization,
        kind="roster",
        state="validated",
        choices={"kind": "roster", "mode": "sync"},
        plan=plan | {"removed": 11, "people": 12},
    )

    refused = admin.post(f"/imports/{of.pk}/approve", {"removals": 10})
    approved = admin.post(f"/imports/{of.pk}/approve", {"removals": 11})

    assert (refused.status_code, refused.json()["code"]) == (409, "many_removals")
    assert refused.json()["facts"] == {"removals": 11, "people": 12, "share_percent": 92}
    assert (approved.status_code, approved.json()["state"]) == (200, "approved")


def test_a_fourth_import_that_would_wait_is_refused_with_limit_and_number(admin: Caller) -> None:
    for number in range(3):
        assert send(admin, timeline(good(number))).status_code == 202

    refused = send(admin)

    assert (refused.status_code, refused.json()["code"]) == (409, "too_many_waiting")
    assert refused.json()["facts"] == {"limit": 3, "found": 3}


def test_what_its_state_does_not_allow_is_409_with_the_state(admin: Caller) -> None:
    address = f"/imports/{send(admin).json()['id']}"

    for wish in ("approve", "resume", "undo"):
        refused = admin.post(f"{address}/{wish}", {} if wish == "approve" else None)
        assert (refused.status_code, refused.json()["code"]) == (409, "wrong_state"), wish
        assert refused.json()["facts"]["state"] == "uploaded"


def test_cancelling_twice_answers_twice_the_same(admin: Caller) -> None:
    address = f"/imports/{send(admin).json()['id']}/cancel"

    first, again = admin.post(address), admin.post(address)

    assert first.json()["state"] == "cancelled"
    assert again.json() == first.json()


def _planned(admin: Caller, **plan: int) -> Import:
    """One whose dry run is over."""
    counts = dict.fromkeys(("added", "changed", "unchanged", "removed", "failed", "skipped"), 0)
    return imports.import_row(
        admin.organization,
        state="validated",
        choices={"kind": "timeline", "acceptance": "valid_rows"},
        plan={"rows": 10, "blank": 0} | counts | plan,
    )


def test_an_approval_with_many_bad_rows_has_to_be_confirmed(admin: Caller) -> None:
    address = f"/imports/{_planned(admin, failed=2, added=8).pk}/approve"

    refused = admin.post(address, {})
    approved = admin.post(address, {"confirm": ["too_many_errors"]})

    assert (refused.status_code, refused.json()["code"]) == (409, "too_many_errors")
    assert refused.json()["facts"] == {"found": 2, "rows": 10, "limit_percent": 10}
    assert (approved.status_code, approved.json()["state"]) == (200, "approved")


def test_choosing_again_keeps_what_was_chosen_before_and_voids_the_plan(admin: Caller) -> None:
    address = f"/imports/{_planned(admin).pk}"

    chosen = admin.post(f"{address}/choices", {"choices": {"empty_clears": True}}).json()

    assert (chosen["state"], chosen["plan"]) == ("uploaded", None)
    assert (chosen["choices"]["empty_clears"], chosen["choices"]["acceptance"]) == (
        True,
        "valid_rows",
    )


def test_issues_come_in_the_order_of_the_file_by_code_and_by_page(admin: Caller) -> None:
    of = _planned(admin)
    imports.issues(of, [(2, "required"), (3, "choice"), (5, "required")])
    address = f"/imports/{of.pk}/issues"

    first = admin.get(f"{address}?limit=2").json()
    second = admin.get(first["next"].removeprefix(admin.address(""))).json()
    required = admin.get(f"{address}?code=required").json()

    assert [one["row"] for one in first["items"] + second["items"]] == [2, 3, 5]
    assert second["next"] is None
    assert [one["row"] for one in required["items"]] == [2, 5]


def test_the_upload_is_in_the_audit_log_with_its_digest(admin: Caller) -> None:
    sent = send(admin).json()

    with jobs.at(admin.organization):
        event = AuditEvent.objects.get(action="import.uploaded", target_id=sent["id"])
    assert json.loads(event.event)["detail"]["file_sha256"] == sent["file_sha256"]
    assert event.actor == f"service:{admin.account.pk}"
