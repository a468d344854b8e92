"""The audit log in the admin: filtered by exact values, read and never written."""

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from audit.models import AuditEvent
from tenancy.models import Organization
from tests.factories import jobs, tenancy
from tests.factories.admin import signed_in

pytestmark = pytest.mark.django_db(transaction=True)

LIST = "admin:audit_auditevent_changelist"


@pytest.fixture
def own() -> Organization:
    return tenancy.organization()


@pytest.fixture
def admin(own: Organization) -> Client:
    return signed_in(tenancy.member(own, role="admin"))


def event_of(own: Organization, **wanted: Any) -> AuditEvent:
    with jobs.at(own):
        return AuditEvent.objects.get(**wanted)


def page_of(event: AuditEvent) -> str:
    return reverse("admin:audit_auditevent_change", args=[event.pk])


def listed(client: Client, **query: str) -> str:
    return client.get(reverse(LIST), query).content.decode()


def test_each_filter_narrows_to_what_it_names(own: Organization, admin: Client) -> None:
    project, other = tenancy.project(own), tenancy.project(own)
    wanted = event_of(own, target_type="project", target_id=str(project.pk))
    unwanted = event_of(own, target_type="project", target_id=str(other.pk))

    for query in (
        {"target_type": "project", "target_id": str(project.pk)},
        {"correlation_id": wanted.correlation_id or ""},
    ):
        page = listed(admin, **query)
        assert page_of(wanted) in page, query
        assert page_of(unwanted) not in page, query
    assert page_of(wanted) in listed(admin, action="project.created", actor=wanted.actor or "")
    assert page_of(wanted) not in listed(admin, outcome="denied")


def test_the_page_shows_each_field_before_and_after(own: Organization, admin: Client) -> None:
    project = tenancy.project(own, name="Old name")
    admin.post(
        reverse("admin:tenancy_project_change", args=[project.pk]),
        {"code": project.code, "name": "New <b>name</b>", "state": "active"},
    )

    page = admin.get(page_of(event_of(own, action="project.changed"))).content.decode()

    assert "Old name" in page
    assert "New &lt;b&gt;name&lt;/b&gt;" in page
    assert "<b>name</b>" not in page


def test_the_list_names_what_something_was_done_to_and_leads_there(
    own: Organization, admin: Client
) -> None:
    project = tenancy.project(own, name="The old harbour")
    admin.get("/admin/nowhere/at/all/")

    listed = admin.get(reverse("admin:audit_auditevent_changelist")).content.decode()

    assert reverse("admin:tenancy_project_change", args=[project.pk]) in listed
    assert "The old harbour" in listed
    assert "/admin/nowhere/at/all/" in listed
    assert "(?P" not in listed


def test_nobody_adds_changes_or_deletes_an_event(own: Organization) -> None:
    tenancy.project(own)
    event = event_of(own, action="project.created")
    operator = signed_in(tenancy.operator())

    assert operator.get(reverse("admin:audit_auditevent_add")).status_code == 403
    assert operator.post(page_of(event), {"event": "{}"}).status_code in (200, 403)
    removed = reverse("admin:audit_auditevent_delete", args=[event.pk])
    assert operator.post(removed, {"post": "yes"}).status_code == 403
    assert event_of(own, pk=event.pk).event == event.event


def test_an_editor_does_not_read_the_log(own: Organization) -> None:
    editor = signed_in(tenancy.member(own, role="editor"))

    assert editor.get(reverse(LIST)).status_code == 403


def test_what_operators_do_in_an_organization_stands_in_its_log(
    own: Organization, admin: Client
) -> None:
    job = jobs.queued_job(own)
    operator = tenancy.operator(name="Olga")

    signed_in(operator).get(reverse("admin:jobs_job_change", args=[job.job_id]))

    assert "Olga (operator)" in listed(admin, action="operator.scope_opened")
