"""Without a mouse: from the sign-in page to a dead letter that runs again, and out."""

import re
from typing import TYPE_CHECKING

import pytest
from django.urls import reverse
from playwright.sync_api import expect

from tests.browser.people import become, tab_to
from tests.factories import jobs
from tests.factories import tenancy as make

if TYPE_CHECKING:
    from playwright.sync_api import Page
    from pytest_django.live_server_helper import LiveServer

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("redis_url")]


def test_a_dead_letter_is_found_and_retried_by_keyboard_only(
    live_server: "LiveServer", page: "Page"
) -> None:
    own = make.organization()
    dead = jobs.dead_job(own)
    person = make.member(own, role="admin")
    keys = page.keyboard

    page.goto(f"{live_server.url}/admin/")
    tab_to(page, page.get_by_label("Mail address"))
    keys.type(person.email)
    tab_to(page, page.get_by_label("Password"))
    keys.type(make.PASSWORD)
    keys.press("Enter")
    expect(page).to_have_title("Dashboard | Control plane")

    tab_to(page, page.get_by_role("link", name="Dead letters").last)
    keys.press("Enter")
    expect(page).to_have_title("Dead letters | Control plane")
    tab_to(page, page.get_by_role("link", name="Permanent error"))
    keys.press("Enter")
    tab_to(page, page.get_by_role("link", name="Retry"))
    keys.press("Enter")
    expect(page.get_by_label("Reason")).to_be_focused()
    keys.type("the receiver is back")
    tab_to(page, page.get_by_role("button", name="Retry this job"))
    keys.press("Enter")

    expect(page.get_by_text("Retried 1 job.")).to_be_visible()
    assert jobs.row(dead).state == "queued"


def test_menu_filters_and_the_way_out_open_by_keyboard(
    live_server: "LiveServer", page: "Page"
) -> None:
    become(page, live_server, make.member(role="admin"))
    keys = page.keyboard
    page.goto(live_server.url + reverse("admin:jobs_job_changelist"))
    filters = page.get_by_label("By state")
    menu = page.locator("#nav-sidebar")
    expect(filters).to_be_hidden()
    expect(menu).to_be_hidden()

    tab_to(page, page.get_by_role("button", name="Filters"))
    keys.press("Enter")
    tab_to(page, page.get_by_role("button", name="Apply Filters"))
    keys.press("Enter")
    expect(page).to_have_url(re.compile("state=not_succeeded"))
    expect(filters).to_be_hidden()
    tab_to(page, page.get_by_role("button", name="Menu"))
    keys.press("Enter")
    expect(menu).to_be_visible()
    tab_to(page, page.get_by_role("button", name="Account"))
    keys.press("Enter")
    tab_to(page, page.get_by_role("button", name="Log out"))
    keys.press("Enter")

    expect(page.get_by_label("Mail address")).to_be_visible()
