"""An operator pauses a customer's queue from the page that says why a job waits, and resumes it."""

from typing import TYPE_CHECKING

import pytest
from django.urls import reverse
from playwright.sync_api import expect

from jobs.ledger import relay
from tests.browser.people import become, tab_to
from tests.factories import jobs
from tests.factories import tenancy as make

if TYPE_CHECKING:
    from playwright.sync_api import Page
    from pytest_django.live_server_helper import LiveServer

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("redis_url")]


def test_a_queue_is_paused_and_resumed_by_keyboard_only(
    live_server: "LiveServer", page: "Page"
) -> None:
    relay.recover()
    own = make.organization("Quayside Freight")
    waiting = jobs.queued_job(own)
    become(page, live_server, make.operator())
    keys = page.keyboard
    complaints: list[str] = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on(
        "console",
        lambda said: complaints.append(said.text) if said.type in ("error", "warning") else None,
    )

    page.goto(live_server.url + reverse("admin:tenancy_organization_change", args=[own.pk]))
    tab_to(page, page.get_by_role("link", name="Queues").last)
    keys.press("Enter")
    expect(page).to_have_title("Queues of Quayside Freight | Control plane")
    tab_to(page, page.get_by_role("link", name="backfill"))
    keys.press("Enter")
    tab_to(page, page.get_by_role("link", name="Pause"))
    keys.press("Enter")
    expect(page.get_by_label("Reason")).to_be_focused()
    keys.type("their receiver is down")
    tab_to(page, page.get_by_label("Minutes"))
    keys.type("30")
    tab_to(page, page.get_by_role("button", name="Pause"))
    keys.press("Enter")
    expect(page.get_by_text("Paused the queue backfill of Quayside Freight")).to_be_visible()
    expect(page.get_by_text("“their receiver is down”. It resumes by itself at")).to_be_visible()

    page.goto(live_server.url + reverse("admin:jobs_job_change", args=[waiting.job_id]))
    expect(page.get_by_text("Its queue was paused by")).to_be_visible()
    tab_to(page, page.get_by_role("link", name="Resume its queue"))
    keys.press("Enter")
    expect(page.get_by_label("Reason")).to_be_focused()
    keys.type("it is back")
    keys.press("Enter")
    expect(page.get_by_text("Resumed the queue backfill of Quayside Freight")).to_be_visible()

    page.goto(
        live_server.url
        + reverse("admin:jobs_queuecontrol_changelist")
        + f"?group=backfill&q={own.slug}"
    )
    expect(page.get_by_role("row", name="Quayside Freight")).to_contain_text("open")
    assert complaints == []
