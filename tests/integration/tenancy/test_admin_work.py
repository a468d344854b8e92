"""Projects, missions and what hangs on them, edited in the admin."""

from datetime import UTC, datetime
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from audit.models import AuditEvent
from tenancy.models import DomainEvent, Mission, Organization, Project, TimelineEntry
from tests.factories import jobs, tenancy
from tests.factories.admin import signed_in

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def own() -> Organization:
    return tenancy.organization()


@pytest.fixture
def editor(own: Organization) -> Client:
    return signed_in(tenancy.member(own, role="editor"))


def form(mission: Mission, **values: Any) -> dict[str, Any]:
    """What the page of a mission posts."""
    return {
        "project": mission.project_id,
        "reference": mission.reference,
        "title": mission.title,
        "description": "",
        "state": mission.state,
        "timeline-TOTAL_FORMS": 0,
        "timeline-INITIAL_FORMS": 0,
        "assignments-TOTAL_FORMS": 0,
        "assignments-INITIAL_FORMS": 0,
    } | values


def post(client: Client, mission: Mission, **values: Any) -> str:
    address = reverse("admin:tenancy_mission_change", args=[mission.pk])
    return client.post(address, form(mission, **values), follow=True).content.decode()


def in_database(mission: Mission) -> Mission:
    with jobs.at(mission.organization_id):
        return Mission.objects.get(pk=mission.pk)


def test_an_edit_is_audited_and_becomes_an_event(own: Organization, editor: Client) -> None:
    mission = tenancy.mission(tenancy.project(own))

    post(editor, mission, title="Another title", state="active")

    assert in_database(mission).title == "Another title"
    with jobs.at(own):
        audited = AuditEvent.objects.get(action="mission.changed", target_id=str(mission.pk))
        event = DomainEvent.objects.get(event_type="mission.changed", mission_id=mission.pk)
    assert audited.actor == event.actor_id
    assert "Another title" in audited.event


def test_a_timeline_entry_is_added_on_the_missions_page(own: Organization, editor: Client) -> None:
    mission = tenancy.mission(tenancy.project(own))

    post(
        editor,
        mission,
        **{
            "timeline-TOTAL_FORMS": 1,
            "timeline-0-kind": "note",
            "timeline-0-title": "Arrival",
            "timeline-0-starts_at_0": "2026-03-01",
            "timeline-0-starts_at_1": "09:00",
        },
    )

    with jobs.at(own):
        entry = TimelineEntry.objects.get(mission=mission)
        assert AuditEvent.objects.filter(action="timelineentry.created").exists()
    assert (entry.title, entry.organization_id) == ("Arrival", own.pk)


def test_the_organization_of_a_row_never_changes(own: Organization) -> None:
    mission = tenancy.mission(tenancy.project(own))
    other = tenancy.organization()

    post(signed_in(tenancy.operator()), mission, organization=other.pk, title="Still here")

    moved = in_database(mission)
    assert (moved.organization_id, moved.title) == (own.pk, "Still here")


def test_a_project_of_another_organization_is_no_choice(own: Organization, editor: Client) -> None:
    mission = tenancy.mission(tenancy.project(own))
    foreign = tenancy.project(tenancy.organization())

    shown = post(editor, mission, project=foreign.pk)

    assert "not one of the available choices" in shown
    assert in_database(mission).project_id == mission.project_id


def test_an_operator_cannot_tie_rows_of_two_organizations(own: Organization) -> None:
    mission = tenancy.mission(tenancy.project(own))
    foreign = tenancy.project(tenancy.organization())

    shown = post(signed_in(tenancy.operator()), mission, project=foreign.pk)

    assert "Choose one of the same organization" in shown
    assert in_database(mission).project_id == mission.project_id


def test_a_member_of_one_organization_need_not_choose_it(own: Organization, editor: Client) -> None:
    editor.post(
        reverse("admin:tenancy_project_add"), {"code": "N", "name": "New", "state": "active"}
    )

    with jobs.at(own):
        assert Project.objects.get(code="N").organization == own


def test_an_organization_that_is_not_ones_own_is_no_choice(own: Organization) -> None:
    person = tenancy.member(own, role="editor")
    tenancy.member(tenancy.organization(), role="editor", user=person)
    foreign = tenancy.organization()

    shown = signed_in(person).post(
        reverse("admin:tenancy_project_add"),
        {"organization": foreign.pk, "code": "N", "name": "New", "state": "active"},
    )

    assert "not one of the available choices" in shown.content.decode()
    with jobs.at(foreign):
        assert not Project.objects.filter(organization=foreign).exists()


def test_a_duplicate_is_an_error_in_the_form(own: Organization, editor: Client) -> None:
    tenancy.project(own, code="SAME")

    shown = editor.post(
        reverse("admin:tenancy_project_add"), {"code": "SAME", "name": "x", "state": "active"}
    )

    assert "already exists" in shown.content.decode()


def test_a_mission_that_ends_before_it_starts_is_an_error_in_the_form(
    own: Organization, editor: Client
) -> None:
    mission = tenancy.mission(tenancy.project(own))

    shown = post(
        editor,
        mission,
        starts_at_0="2026-03-02",
        starts_at_1="09:00",
        ends_at_0="2026-03-01",
        ends_at_1="09:00",
    )

    assert "cannot end before it starts" in shown


def test_a_viewer_reads_and_cannot_write(own: Organization) -> None:
    mission = tenancy.mission(tenancy.project(own))
    viewer = signed_in(tenancy.member(own, role="viewer"))
    address = reverse("admin:tenancy_mission_change", args=[mission.pk])

    assert viewer.get(address).status_code == 200
    assert viewer.post(address, form(mission, title="Mine")).status_code == 403
    assert viewer.get(reverse("admin:tenancy_mission_add")).status_code == 403


def test_what_a_form_holds_is_shown_as_text(own: Organization, editor: Client) -> None:
    mission = tenancy.mission(tenancy.project(own), title="<script>alert(1)</script>")

    listed = editor.get(reverse("admin:tenancy_mission_changelist")).content.decode()
    shown = editor.get(reverse("admin:tenancy_mission_change", args=[mission.pk]))

    assert "<script>alert(1)" not in listed + shown.content.decode()


def test_history_is_the_audit_log_of_the_row(own: Organization) -> None:
    mission = tenancy.mission(tenancy.project(own))
    admin = signed_in(tenancy.member(own, role="admin"))
    page = reverse("admin:tenancy_mission_change", args=[mission.pk])
    history = reverse("admin:tenancy_mission_history", args=[mission.pk])

    shown = admin.get(history, follow=True).content.decode()

    assert "mission.created" in shown
    assert mission.title in shown
    assert history in admin.get(page).content.decode()


def test_who_may_not_read_the_audit_log_is_not_led_there(own: Organization, editor: Client) -> None:
    mission = tenancy.mission(tenancy.project(own))

    page = editor.get(reverse("admin:tenancy_mission_change", args=[mission.pk]))

    assert "/history/" not in page.content.decode()


def test_times_say_which_clock_they_are_by(own: Organization, editor: Client) -> None:
    mission = tenancy.mission(
        tenancy.project(own), starts_at=datetime(2026, 3, 1, 12, 30, tzinfo=UTC)
    )

    listed = editor.get(reverse("admin:tenancy_mission_changelist")).content.decode()
    page = editor.get(reverse("admin:tenancy_mission_change", args=[mission.pk]))

    assert "2026-03-01 12:30 UTC" in listed
    assert "In UTC." in page.content.decode()
