"""Addresses of another organization's things, typed by an admin of one."""

from typing import TYPE_CHECKING, Any

import pytest
from django.urls import reverse
from playwright.sync_api import expect

from audit.models import AuditEvent
from jobs.models import DeadLetter, Endpoint, Job
from templates.models import NotificationTemplate
from tenancy.models import Mission
from tests.browser.people import become
from tests.factories import tenancy as make
from tests.factories.admin import row_of

if TYPE_CHECKING:
    from playwright.sync_api import Page
    from pytest_django.live_server_helper import LiveServer

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("redis_url")]

THINGS = (Mission, Job, DeadLetter, NotificationTemplate, Endpoint, AuditEvent)


def address(row: Any) -> str:
    if isinstance(row, NotificationTemplate):
        place = [row.organization_id, row.event_type, row.channel, row.locale or "all"]
        return reverse("admin:templates_notificationtemplate_editor", args=place)
    options = row._meta
    return reverse(f"admin:{options.app_label}_{options.model_name}_change", args=[row.pk])


def test_what_belongs_to_another_organization_is_not_found_and_the_attempt_is_logged(
    live_server: "LiveServer", page: "Page"
) -> None:
    own, other = make.organization(), make.organization("Somebody Else Entirely")
    guessed = [address(row_of(model, other)) for model in THINGS]
    own_mission = make.mission(make.project(own))
    become(page, live_server, make.member(own, role="admin"))

    page.goto(live_server.url + address(own_mission))
    expect(page.get_by_label("Title")).to_have_value(own_mission.title)
    for one in guessed:
        answer = page.goto(live_server.url + one)
        assert answer
        assert answer.status == 404, one
        expect(page.get_by_role("heading", name="Not found")).to_be_visible()
        assert "Somebody Else" not in page.content()

    page.get_by_role("link", name="To the dashboard").click()
    log = reverse("admin:audit_auditevent_changelist") + "?action=access.not_found"
    page.goto(live_server.url + log)
    expect(page.get_by_role("row", name="access.not_found")).to_have_count(len(guessed))
    expect(page.get_by_role("row", name="access.not_found").first).to_contain_text("denied")
    page.get_by_role("link", name="access.not_found").first.click()
    expect(page.get_by_text(guessed[-1], exact=True)).to_be_visible()
