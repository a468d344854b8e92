"""Something is wrong: the operator sees it on the first page, and is two clicks from the jobs."""

from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from jobs.alerts.conditions import Kind, Subject
from tests.browser.people import become
from tests.factories import tenancy
from tests.factories.alerts import pass_minutes

if TYPE_CHECKING:
    from playwright.sync_api import Page
    from pytest_django.live_server_helper import LiveServer

pytestmark = pytest.mark.django_db(transaction=True)


def test_an_alert_is_seen_first_and_leads_to_the_jobs_behind_it(
    page: "Page", live_server: "LiveServer"
) -> None:
    own = tenancy.organization()
    grows = Subject(kind=Kind.QUEUE_GROWS, organization_id=own.pk, group="notifications")
    pass_minutes(grows, 300, 400, 1240)
    become(page, live_server, tenancy.operator())
    page.set_viewport_size({"width": 1280, "height": 720})

    page.goto(f"{live_server.url}/admin/jobs/alert/?organization__id__exact={own.pk}")
    row = page.get_by_role("row", name="The queue notifications grows: 1,240 jobs wait")
    expect(row).to_contain_text(own.name)
    row.get_by_role("link", name="The queue notifications grows").click()
    expect(page.get_by_text("still wrong in the last minute")).to_be_visible()
    page.get_by_role("list", name="Where to look").get_by_role("link", name="Waiting jobs").click()
    expect(page).to_have_title("Jobs | Control plane")
    page.goto(f"{live_server.url}/admin/")
    first = page.get_by_role("list", name="Open alerts").get_by_role("listitem").first
    expect(first).to_be_in_viewport()
    first.get_by_role("link", name="Look").click()
    expect(page.get_by_text("Who was told")).to_be_visible()
