"""Each role signs in and sees the dashboard, and a menu of what the role may see."""

from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from tests.browser.people import sign_in
from tests.factories import tenancy as make

if TYPE_CHECKING:
    from playwright.sync_api import Page
    from pytest_django.live_server_helper import LiveServer

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("redis_url")]

ROLES = ("viewer", "editor", "admin", "operator")
SEEN_FROM = {
    "Dashboard": "viewer",
    "Alerts": "operator",
    "Jobs": "viewer",
    "Queues": "operator",
    "Dead letters": "viewer",
    "Workers": "operator",
    "Endpoints": "admin",
    "Deliveries": "viewer",
    "Notification templates": "viewer",
    "Subscriptions": "viewer",
    "Suppressed addresses": "viewer",
    "Missions": "viewer",
    "Projects": "viewer",
    "Timeline entries": "viewer",
    "Assignments": "viewer",
    "Imports": "viewer",
    "Exports": "viewer",
    "Collaborators": "viewer",
    "Memberships": "admin",
    "Invitations": "admin",
    "Service accounts": "admin",
    "Organizations": "viewer",
    "Audit events": "admin",
    "Users": "operator",
}
"""Every entry, from the top, and the first role that sees it."""


def menu_of(role: str) -> list[str]:
    rank = ROLES.index(role)
    return [entry for entry, first in SEEN_FROM.items() if ROLES.index(first) <= rank]


@pytest.mark.parametrize("role", ROLES)
def test_the_dashboard_opens_with_the_menu_of_the_role(
    role: str, live_server: "LiveServer", page: "Page"
) -> None:
    person = make.operator() if role == "operator" else make.member(role=role)

    sign_in(page, live_server, person)

    expect(page.get_by_role("list", name="Key numbers")).to_contain_text("Dead letters")
    menu = page.locator("#nav-sidebar-apps a span:nth-child(2)")
    assert menu.all_text_contents() == menu_of(role)
