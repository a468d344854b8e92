"""An admin invites somebody, who follows the link with the keyboard and is in."""

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import expect

from tenancy import invitations
from tenancy.models import Invitation
from tests.browser.people import become, sign_in, tab_to
from tests.factories import tenancy as make
from tests.factories.jobs import at

if TYPE_CHECKING:
    from playwright.sync_api import Page
    from pytest_django.live_server_helper import LiveServer

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("redis_url")]


def test_from_an_address_to_a_member(live_server: "LiveServer", page: "Page") -> None:
    own = make.organization("Aurora")
    admin = make.member(own, role="admin")
    become(page, live_server, admin)
    page.goto(f"{live_server.url}/admin/tenancy/invitation/add/")
    page.get_by_label("Mail address").fill("nova@example.test")
    page.get_by_label("Role").select_option("editor")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.locator("#result_list")).to_contain_text("nova@example.test")
    with at(own):
        link = urlsplit(invitations.url(Invitation.objects.get(organization=own))).path

    page.context.clear_cookies()
    page.goto(live_server.url + link)
    expect(page.get_by_role("heading")).to_have_text("Work in Aurora?")
    for label in ("Name*", "New password*", "New password confirmation*"):
        field = page.get_by_label(label, exact=True)
        tab_to(page, field)
        page.keyboard.type("Nova" if label == "Name*" else make.PASSWORD)
    page.keyboard.press("Enter")

    expect(page).to_have_title("Dashboard | Control plane")
    expect(page.get_by_text("You work in Aurora now.")).to_be_visible()
    page.goto(live_server.url + link)
    expect(page.get_by_role("heading")).to_have_text("This link does not work any more")


def test_an_admin_deactivates_somebody_and_brings_them_back(
    live_server: "LiveServer", page: "Page"
) -> None:
    own = make.organization()
    editor = make.member(own, role="editor")
    sign_in(page, live_server, make.member(own, role="admin"))
    page.goto(f"{live_server.url}/admin/tenancy/membership/")
    page.get_by_role("link", name=editor.name).click()

    for button, said in (("Deactivate", "is deactivated"), ("Reactivate", "is reactivated")):
        page.get_by_role("link", name=button).click()
        page.get_by_label("Reason").fill("on leave")
        page.get_by_role("button", name=button).click()
        expect(page.get_by_text(said)).to_be_visible()
