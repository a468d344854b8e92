"""Exports through the API: ask, watch, cancel, get the file."""

from contextlib import closing
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from django.db import transaction
from django.test import Client
from pytest_django import Settings

from audit.models import AuditEvent
from jobs.families.transfers.models import Export
from tenancy.scope import scope
from tests.factories import exports, tenancy
from tests.factories.api import Caller


@pytest.fixture(autouse=True)
def folder(settings: Settings, tmp_path: Path) -> Path:
    settings.OBJECT_STORE = {"folder": tmp_path / "objects"}
    return tmp_path / "objects"


@pytest.fixture
def written(admin: Caller) -> Export:
    mission = tenancy.mission(tenancy.project(admin.organization))
    tenancy.timeline_entry(mission, title="Briefing")
    return exports.written_export(admin.organization)


def told(caller: Caller) -> list[str]:
    with scope(caller.organization), transaction.atomic():
        events = AuditEvent.objects.filter(organization=caller.organization, target_type="export")
        return list(events.order_by("pk").values_list("action", flat=True))


def test_an_export_is_accepted_and_can_be_watched_where_the_answer_says(admin: Caller) -> None:
    mission = tenancy.mission(tenancy.project(admin.organization))

    asked = admin.post(
        "/exports",
        {
            "kind": "timeline",
            "format": "jsonl",
            "fields": ["title", "id"],
            "filters": {
                "mission_id": mission.pk,
                "starts_from": "2026-03-01T10:00:00+01:00",
            },
        },
    )

    assert asked.status_code == 202
    shown = Client(headers={"Authorization": f"Bearer {admin.token}"}).get(asked["Location"]).json()
    assert shown["id"] == asked.json()["id"]
    assert (shown["state"], shown["rows"], shown["total"]) == ("queued", 0, None)
    assert shown["fields"] == ["title", "id"]
    assert shown["filters"] == {
        "mission_id": mission.pk,
        "starts_from": "2026-03-01T09:00:00+00:00",
    }
    assert shown["manifest"] is None
    assert told(admin) == ["export.requested"]


@pytest.mark.parametrize(
    ("body", "field", "code"),
    [
        ({"kind": "timeline", "fields": ["mail"]}, "body.fields", "choice"),
        ({"kind": "timeline", "fields": ["id", "id"]}, "body.fields", "duplicate"),
        ({"kind": "timeline", "format": "xls"}, "body.format", "choice"),
        ({"kind": "timeline", "filters": {"status": "active"}}, "body.filters.status", "choice"),
        ({"kind": "roster", "filters": {"kind": "task"}}, "body.filters.kind", "choice"),
        (
            {"kind": "timeline", "filters": {"project_id": 9_000_000_000}},
            "body.filters.project_id",
            "unknown_reference",
        ),
    ],
)
def test_what_cannot_be_exported_is_refused_by_field(
    admin: Caller, body: dict[str, Any], field: str, code: str
) -> None:
    refused = admin.post("/exports", body)

    assert refused.status_code == 422
    [error] = refused.json()["errors"]
    assert (error["field"], error["code"]) == (field, code)
    assert told(admin) == []


def test_the_file_comes_from_a_link_and_each_download_is_recorded(
    admin: Caller, written: Export
) -> None:
    for _ in range(2):
        answer = admin.get(f"/exports/{written.pk}/file")
        assert answer.status_code == 307
        with closing(admin.get(answer["Location"].removeprefix(admin.address("")))) as file:
            assert b"Briefing" in b"".join(file.streaming_content)

    assert file["Content-Disposition"] == f'attachment; filename="{written.file_name}"'
    assert file["Content-Type"] == "text/csv; charset=utf-8"
    assert file["X-Content-Type-Options"] == "nosniff"
    assert file["Cache-Control"] == "no-store"
    assert int(file["Content-Length"]) == written.bytes
    assert told(admin).count("export.downloaded") == 2


def test_an_export_without_a_file_yet_says_so(admin: Caller) -> None:
    waiting = exports.export(admin.organization)

    answer = admin.get(f"/exports/{waiting.pk}/file")

    assert (answer.status_code, answer.json()["code"]) == (409, "not_in_state")


def test_a_waiting_export_is_cancelled_and_a_completed_one_is_not(
    admin: Caller, written: Export
) -> None:
    waiting = exports.export(admin.organization)

    assert admin.post(f"/exports/{waiting.pk}/cancel").json()["state"] == "cancelled"
    assert admin.post(f"/exports/{waiting.pk}/cancel").json()["state"] == "cancelled"
    assert admin.post(f"/exports/{written.pk}/cancel").status_code == 409
    assert admin.post(f"/exports/{uuid4()}/cancel").status_code == 404


def test_exports_are_listed_by_state_and_kind(admin: Caller, written: Export) -> None:
    waiting = exports.export(admin.organization, kind="roster")

    def ids(query: str) -> list[str]:
        return [one["id"] for one in admin.get(f"/exports{query}").json()["items"]]

    assert ids("") == [str(waiting.pk), str(written.pk)]
    assert ids("?state=completed") == [str(written.pk)]
    assert ids("?kind=roster") == [str(waiting.pk)]


def test_an_editor_exports_timelines_and_no_roster_and_a_viewer_neither(admin: Caller) -> None:
    editor = Caller.of(admin.organization, role="editor")
    viewer = Caller.of(admin.organization, role="viewer")

    assert editor.post("/exports", {"kind": "timeline"}).status_code == 202
    assert editor.post("/exports", {"kind": "roster"}).status_code == 403
    assert viewer.post("/exports", {"kind": "timeline"}).status_code == 403
    assert viewer.get("/exports").status_code == 200


def test_a_roster_that_an_admin_exported_is_not_for_an_editor(admin: Caller) -> None:
    roster = exports.written_export(admin.organization, kind="roster")
    editor = Caller.of(admin.organization, role="editor")

    assert editor.get(f"/exports/{roster.pk}/file").status_code == 403
    assert editor.post(f"/exports/{roster.pk}/cancel").status_code == 403
    assert admin.get(f"/exports/{roster.pk}/file").status_code == 307
