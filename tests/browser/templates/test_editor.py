"""The template editor in Chromium, as an org admin uses it."""

import re
from typing import TYPE_CHECKING

import pytest
from django.conf import settings
from django.test import Client
from playwright.sync_api import expect

from tenancy.models import Role
from tests import factories

if TYPE_CHECKING:
    from playwright.sync_api import Page
    from pytest_django.live_server_helper import LiveServer

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def editor(live_server: "LiveServer", page: "Page") -> "Page":
    """Signed in as an admin of an organization, on the editor of a mail."""
    organization = factories.organization()
    person = factories.member(organization, Role.ADMIN)
    client = Client()
    client.force_login(person)
    session = client.cookies[settings.SESSION_COOKIE_NAME].value
    page.context.add_cookies(
        [{"name": settings.SESSION_COOKIE_NAME, "value": session, "url": live_server.url}]
    )
    place = f"{organization.pk}/mission.created/mail/all/"
    page.goto(f"{live_server.url}/admin/templates/notificationtemplate/{place}")
    return page


def test_the_preview_follows_what_is_typed(editor: "Page") -> None:
    editor.get_by_label("Subject").fill("Fresh: {{ mission.title }}")

    expect(editor.locator("#preview")).to_contain_text("Fresh: Replace the signal mast")
    expect(editor.locator("#problems")).to_have_text("No problems.")

    editor.get_by_label("Subject").fill("{{ mission.titel }}")

    expect(editor.locator("#problems")).to_contain_text("line 1, column 4")
    expect(editor.locator("#problems")).to_contain_text("did you mean `mission.title`?")


def test_from_open_to_publish_by_keyboard_only(editor: "Page") -> None:
    editor.get_by_label("Subject").focus()
    editor.keyboard.press("Control+A")
    editor.keyboard.type("Typed: {{ mission.title }}")
    button = editor.get_by_role("button", name="Save and publish")
    for _ in range(10):
        editor.keyboard.press("Tab")
        if button.evaluate("one => one === document.activeElement"):
            break
    editor.keyboard.press("Enter")

    expect(editor.get_by_text("Published version 1. It is sent from now on.")).to_be_visible()
    expect(editor.get_by_label("Subject")).to_have_value("Typed: {{ mission.title }}")


def test_the_frame_shows_the_mail_and_cannot_run_or_reach_anything(editor: "Page") -> None:
    asked: list[str] = []
    editor.on("request", lambda request: asked.append(request.url))
    attack = (
        "<p>Shown</p><script>parent.document.title='owned'</script><img src=x onerror=alert(1)>"
        "<img src='https://pictures.invalid/x.png'><style>@import 'https://sheets.invalid/';</style>"
    )
    editor.get_by_label("HTML", exact=True).fill(attack)
    frame = editor.locator("#preview iframe")

    expect(editor.frame_locator("#preview iframe").get_by_text("Shown")).to_be_visible()
    expect(frame).to_have_attribute("sandbox", "")
    expect(editor).not_to_have_title(re.compile("owned"))
    assert "default-src 'none'" in (frame.get_attribute("srcdoc") or "")
    assert not [url for url in asked if ".invalid" in url]


def test_two_editors_at_once_lose_nothing(editor: "Page") -> None:
    other = editor.context.new_page()
    other.goto(editor.url)
    other.get_by_label("Text", exact=True).fill("Theirs")
    other.get_by_role("button", name="Save draft").click()
    expect(other.get_by_text("Saved version 1 as a draft")).to_be_visible()

    editor.get_by_label("Text", exact=True).fill("Mine")
    editor.get_by_role("button", name="Save draft").click()

    conflict = editor.get_by_role("region", name="Conflict")
    expect(conflict).to_contain_text("Theirs")
    expect(conflict).to_contain_text("Mine")
    expect(editor.get_by_label("Text", exact=True)).to_have_value("Mine")
