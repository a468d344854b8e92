"""Without a mouse: from the list of exports to the file on one's disk."""

import re
from pathlib import Path
from typing import TYPE_CHECKING

import dramatiq
import pytest
from playwright.sync_api import expect

from tests.browser.people import become, tab_to
from tests.factories import tenancy as make

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page
    from pytest_django.live_server_helper import LiveServer

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("redis_url")]

PATIENCE_MS = 60_000


def press(page: "Page", wanted: "Locator", key: str = "Enter") -> None:
    """Go there by Tab and press a key."""
    tab_to(page, wanted)
    page.keyboard.press(key)


def test_a_timeline_is_exported_and_downloaded_by_keyboard_only(
    live_server: "LiveServer", page: "Page", worker: dramatiq.Worker
) -> None:
    own = make.organization()
    entry = make.timeline_entry(make.mission(make.project(own)))
    become(page, live_server, make.member(own, role="editor"))

    page.goto(f"{live_server.url}/admin/jobs/export/")
    press(page, page.get_by_role("link", name=re.compile("Add export")).first)
    press(page, page.get_by_role("button", name="Continue"))
    press(page, page.get_by_label("notes", exact=True), "Space")
    press(page, page.get_by_role("button", name="Export", exact=True))

    expect(page.get_by_text("The file is ready.")).to_be_visible(timeout=PATIENCE_MS)
    expect(page.get_by_text("Download until")).to_be_visible()
    with page.expect_download() as download:
        press(page, page.get_by_role("link", name="download Download", exact=True))
    header, row = Path(download.value.path()).read_text().splitlines()
    assert header == "external_id,id,mission,kind,title,starts_at,ends_at,location"
    assert entry.title in row
