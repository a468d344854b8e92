"""The pages of exports: ask, look, cancel, download; by those who may."""

from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from audit.models import AuditEvent
from jobs.families.transfers.models import Export
from tenancy.models import Organization
from tests.factories import exports, tenancy
from tests.factories.admin import signed_in
from tests.factories.jobs import at

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("redis_url")]


@pytest.fixture
def own(settings: Settings, tmp_path: Path) -> Organization:
    settings.OBJECT_STORE = {"folder": tmp_path / "objects"}
    return tenancy.organization()


def person(own: Organization, role: str) -> Client:
    return signed_in(tenancy.member(own, role=role))


def page(of: Export, route: str = "change") -> str:
    return reverse(f"admin:jobs_export_{route}", args=[of.pk])


def ask(client: Client, own: Organization, kind: str = "timeline", **more: str) -> Any:
    columns = {"column_title": "on", "column_starts_at": "on", "column_mail": "on"}
    form = {"format_name": "csv", "form_id": "once"} | columns | more
    address = f"/admin/jobs/export/add/?organization={own.pk}&kind={kind}"
    return client.post(address, form)


def exports_of(own: Organization) -> list[Export]:
    with at(own):
        return list(Export.objects.filter(organization=own))


def test_columns_filters_and_format_that_were_chosen_are_asked_for(own: Organization) -> None:
    mission = tenancy.mission(tenancy.project(own))
    more = {"mission_id": mission.reference, "starts_from": "2026-03-01 09:00"}

    answer = ask(person(own, "editor"), own, format_name="parquet", **more)

    [made] = exports_of(own)
    assert answer["Location"] == page(made)
    assert (made.kind, made.format, made.fields) == ("timeline", "parquet", ["title", "starts_at"])
    assert made.filters == {
        "mission_id": mission.pk,
        "starts_from": "2026-03-01T09:00:00+00:00",
    }


def test_a_form_that_is_sent_twice_makes_one_export(own: Organization) -> None:
    editor = person(own, "editor")

    ask(editor, own)
    ask(editor, own)

    assert len(exports_of(own)) == 1


def test_what_cannot_be_exported_is_said_on_the_form(own: Organization) -> None:
    elsewhere = tenancy.mission(tenancy.project(tenancy.organization()))

    refused = ask(person(own, "editor"), own, mission_id=elsewhere.reference)

    assert "There is no mission" in refused.content.decode()
    assert exports_of(own) == []


@pytest.mark.parametrize(
    ("role", "kind", "made"),
    [
        ("viewer", "timeline", 0),
        ("editor", "timeline", 1),
        ("editor", "roster", 0),
        ("admin", "roster", 1),
    ],
)
def test_an_export_is_made_for_who_may(own: Organization, role: str, kind: str, made: int) -> None:
    ask(person(own, role), own, kind)

    assert len(exports_of(own)) == made


def test_one_that_waits_is_cancelled_after_a_question(own: Organization) -> None:
    export, editor = exports.export(own), person(own, "editor")

    asked = editor.get(page(export, "cancel"))
    assert "Cancel this export?" in asked.content.decode()
    shown = editor.post(page(export, "cancel"), {"confirm": "yes"}, follow=True)

    assert "Cancelled" in shown.content.decode()
    assert exports_of(own)[0].state == "cancelled"


def test_the_file_comes_by_a_link_that_is_in_the_audit_log(own: Organization) -> None:
    export, editor = exports.written_export(own), person(own, "editor")
    assert "Download until" in editor.get(page(export)).content.decode()

    answer = editor.get(page(export, "download"))

    assert answer.status_code == 302
    file: Any = editor.get(answer["Location"])
    assert b"".join(file.streaming_content).startswith(b"external_id,")
    with at(own):
        events = AuditEvent.objects.filter(action="export.downloaded", target_id=str(export.pk))
        assert events.count() == 1


def test_one_that_is_not_ready_says_so(own: Organization) -> None:
    export = exports.export(own)

    shown = person(own, "editor").get(page(export, "download"), follow=True)

    assert "it has no file yet" in shown.content.decode()


@pytest.mark.parametrize("route", ["cancel", "download"])
def test_a_viewer_looks_and_no_more(own: Organization, route: str) -> None:
    export, viewer = exports.export(own), person(own, "viewer")

    assert viewer.get(page(export)).status_code == 200
    assert viewer.get(page(export, route)).status_code == 403
    assert page(export, route) not in viewer.get(page(export)).content.decode()


def test_that_of_a_roster_is_not_there_for_who_may_not_export_it(own: Organization) -> None:
    export = exports.export(own, kind="roster")

    assert person(own, "editor").get(page(export)).status_code == 404
    assert person(own, "admin").get(page(export)).status_code == 200


def test_the_progress_of_another_state_is_a_new_page(own: Organization) -> None:
    export, editor = exports.export(own), person(own, "editor")

    assert "HX-Refresh" not in editor.get(page(export, "progress") + "?state=queued")
    assert "HX-Refresh" in editor.get(page(export, "progress") + "?state=running")
