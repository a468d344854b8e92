"""The pages of imports: upload, answer, approve, look; by those who may."""

from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from jobs.families.transfers.models import Import
from tenancy import changes
from tenancy.models import Membership, Organization
from tests.factories import imports, tenancy
from tests.factories.admin import signed_in
from tests.factories.imports import now
from tests.factories.jobs import at

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("redis_url")]

UPLOAD = "/admin/jobs/import/add/"


@pytest.fixture
def own() -> Organization:
    return tenancy.organization()


@pytest.fixture
def editor(own: Organization) -> Client:
    return signed_in(tenancy.member(own, role="editor"))


def send(client: Client, own: Organization, form_id: str = "once", size: int = 10) -> Any:
    file = SimpleUploadedFile("plan.csv", b"x" * size)
    form = {"organization": own.pk, "kind": "timeline", "file": file, "form_id": form_id}
    return client.post(UPLOAD, form)


def page(of: Import, route: str = "change") -> str:
    return reverse(f"admin:jobs_import_{route}", args=[of.pk])


def imports_of(own: Organization) -> list[Import]:
    with at(own):
        return list(Import.objects.filter(organization=own))


def planned(own: Organization, **plan: int) -> Import:
    counts = dict.fromkeys(("added", "changed", "unchanged", "removed", "failed", "skipped"), 0)
    return imports.import_row(
        own,
        state="validated",
        choices={"kind": "timeline", "acceptance": "valid_rows"},
        plan={"rows": 10, "blank": 0} | counts | plan,
    )


def test_a_form_that_is_sent_twice_makes_one_import(editor: Client, own: Organization) -> None:
    first, again = send(editor, own), send(editor, own)

    [made] = imports_of(own)
    assert first["Location"] == again["Location"] == page(made)
    assert (made.state, made.file_name) == ("uploaded", "plan.csv")


def test_a_file_that_is_too_large_is_refused_on_the_form(
    editor: Client, own: Organization, settings: Settings
) -> None:
    settings.IMPORTS_MAX_BYTES = 5

    refused = send(editor, own)

    assert "larger than may be sent" in refused.content.decode()
    assert imports_of(own) == []


def test_answers_become_choices_and_the_file_is_checked_again(
    editor: Client, own: Organization
) -> None:
    of = imports.asking(own)
    answers = {
        "encoding": "cp1252",
        "delimiter": ",",
        "sheet": "text",
        "has_header": "yes",
        "to_0": "external_id",
        "to_1": "mission",
        "to_2": "starts_at",
        "to_4": "-",
        "date_2": "DD/MM/YYYY",
        "time_zone": "Europe/Berlin",
        "ambiguous": "earlier",
        "mode": "update",
        "acceptance": "all_rows",
        "values_kind": "Aufgabe = task",
    }

    answered = editor.post(page(of, "choose"), answers)

    assert answered.status_code == 302
    chosen, state = now(of).choices, now(of).state
    assert (state, chosen["encoding"], chosen["has_header"]) == ("uploaded", "cp1252", True)
    assert chosen["columns"] == {"0": "external_id", "1": "mission", "2": "starts_at", "4": None}
    assert chosen["date_formats"] == {"2": "DD/MM/YYYY"}
    assert chosen["value_maps"] == {"kind": {"Aufgabe": "task"}}
    assert (chosen["time_zone"], chosen["ambiguous"]) == ("Europe/Berlin", "earlier")


def test_an_answer_that_cannot_be_stays_on_the_page_with_its_reason(
    editor: Client, own: Organization
) -> None:
    of = imports.asking(own)

    shown = editor.post(page(of, "choose"), {"time_zone": "Mars/Base"})

    assert shown.status_code == 200
    assert "There is no time zone" in shown.content.decode()
    assert now(of).state == "checked"


def test_an_approval_is_asked_about_many_bad_rows_and_then_taken(
    editor: Client, own: Organization
) -> None:
    of = planned(own, failed=2, added=8)

    asked = editor.post(page(of, "approve"))
    state_between = now(of).state
    editor.post(page(of, "approve"), {"too_many_errors": "on"})

    assert "2 of 10 rows have errors" in asked.content.decode()
    assert state_between == "validated"
    assert now(of).state == "approved"


def test_cancelling_is_asked_and_then_done(editor: Client, own: Organization) -> None:
    of = planned(own)

    editor.get(page(of, "cancel"))
    state_between = now(of).state
    editor.post(page(of, "cancel"), {"confirm": "yes"})

    assert (state_between, now(of).state) == ("validated", "cancelled")


def test_what_its_state_does_not_allow_is_said_on_its_page(
    editor: Client, own: Organization
) -> None:
    shown = editor.post(page(imports.import_row(own), "resume"), {"confirm": "yes"}, follow=True)

    assert "to resume it, it has to be stopped" in shown.content.decode()


def test_the_page_looks_again_while_a_worker_is_at_it_and_is_new_in_a_new_state(
    editor: Client, own: Organization
) -> None:
    of = imports.import_row(own, progress={"phase": "check", "bytes": 1, "total_bytes": 4})

    same = editor.get(f"{page(of, 'progress')}?state=uploaded")
    other = editor.get(f"{page(of, 'progress')}?state=mapped")

    assert "HX-Refresh" not in same.headers
    assert 'value="25"' in same.content.decode()
    assert other["HX-Refresh"] == "true"


def test_issues_are_filtered_by_code(editor: Client, own: Organization) -> None:
    of = planned(own, failed=2)
    imports.issues(of, [(2, "required"), (7, "choice")])

    shown = editor.get(f"{page(of)}?code=choice").content.decode()

    assert "Says choice." in shown
    assert "Says required." not in shown


def test_a_viewer_looks_and_does_nothing(own: Organization) -> None:
    of, viewer = planned(own), signed_in(tenancy.member(own, role="viewer"))

    assert viewer.get(page(of)).status_code == 200
    assert "Approve" not in viewer.get(page(of)).content.decode()
    for route in ("choose", "approve", "cancel", "resume", "undo"):
        assert viewer.post(page(of, route), {"confirm": "yes"}).status_code == 403, route
    assert send(viewer, own).status_code == 403
    assert now(of).state == "validated"


def test_another_organizations_import_is_not_there(own: Organization) -> None:
    of, stranger = planned(own), signed_in(tenancy.member(role="owner"))

    for route in ("change", "choose", "approve", "cancel", "resume", "undo", "progress"):
        assert stranger.get(page(of, route)).status_code == 404, route
        assert stranger.post(page(of, route), {"confirm": "yes"}).status_code == 404, route
    assert page(of) not in stranger.get("/admin/jobs/import/").content.decode()
    assert now(of).state == "validated"


def test_a_file_never_goes_into_an_organization_where_one_only_looks(own: Organization) -> None:
    person = tenancy.member(role="editor")
    tenancy.member(own, role="viewer")
    with at(own):
        changes.create(Membership(organization=own, user=person, role="viewer"))

    send(signed_in(person), own)

    assert imports_of(own) == []


def test_who_lost_the_right_meanwhile_approves_nothing(own: Organization) -> None:
    of, person = planned(own), tenancy.member(own, role="editor")
    client = signed_in(person)
    assert client.get(page(of)).status_code == 200
    with at(own):
        membership = Membership.objects.get(organization=own, user=person)
        changes.update(membership, role="viewer")

    refused = client.post(page(of, "approve"))

    assert refused.status_code == 403
    assert now(of).state == "validated"


def test_many_removals_of_a_roster_are_approved_by_typing_their_number(own: Organization) -> None:
    admin = signed_in(tenancy.member(own, role="admin"))
    counts = dict.fromkeys(("rows", "added", "changed", "unchanged", "failed", "skipped"), 0)
    of = imports.import_row(
        own,
        kind="roster",
        state="validated",
        choices={"kind": "roster", "mode": "sync"},
        plan=counts | {"removed": 11, "people": 12},
    )

    asked = admin.post(page(of, "approve"))
    wrong = admin.post(page(of, "approve"), {"many_removals": "10"})
    state_between = now(of).state
    admin.post(page(of, "approve"), {"many_removals": "11"})

    for shown in (asked, wrong):
        assert "11 of 12 people" in shown.content.decode()
        assert 'name="many_removals"' in shown.content.decode()
    assert (state_between, now(of).state) == ("validated", "approved")


def test_a_roster_is_shown_to_nobody_who_may_not_import_one(
    editor: Client, own: Organization
) -> None:
    of = imports.import_row(own, kind="roster", file_name="people.csv")
    admin = signed_in(tenancy.member(own, role="admin"))

    listed = [client.get("/admin/jobs/import/").content.decode() for client in (editor, admin)]

    assert ["people.csv" in one for one in listed] == [False, True]
    assert [client.get(page(of)).status_code for client in (editor, admin)] == [404, 200]
