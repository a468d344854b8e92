"""What people do in front of the admin site: sign in, look around, go by keyboard."""

from typing import TYPE_CHECKING

from django.conf import settings
from playwright.sync_api import expect

from tenancy.models import User
from tests.factories import tenancy
from tests.factories.admin import signed_in

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page
    from pytest_django.live_server_helper import LiveServer

TABS_MAX = 120


def sign_in(page: "Page", server: "LiveServer", person: User) -> None:
    """Through the form, until the dashboard is there."""
    page.goto(f"{server.url}/admin/")
    page.get_by_label("Mail address").fill(person.email)
    page.get_by_label("Password").fill(tenancy.PASSWORD)
    page.get_by_role("button", name="Log in").click()
    expect(page).to_have_title("Dashboard | Control plane")


def become(page: "Page", server: "LiveServer", person: User) -> None:
    """Signed in from now on, without the form; whoever was signed in before is not any more."""
    name = settings.SESSION_COOKIE_NAME
    session = signed_in(person).cookies[name].value
    page.context.add_cookies([{"name": name, "value": session, "url": server.url}])


def tab_to(page: "Page", wanted: "Locator") -> None:
    """Press Tab until this has the focus. Fails when it never gets it."""
    expect(wanted).to_be_visible()
    for _ in range(TABS_MAX):
        page.keyboard.press("Tab")
        if wanted.evaluate("one => one === document.activeElement"):
            return
    raise AssertionError(f"{wanted} cannot be reached with the Tab key")
