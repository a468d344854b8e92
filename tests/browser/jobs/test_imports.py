"""Without a mouse: from a file with bad rows to what it wrote and the rows left to mend."""

import re
from pathlib import Path
from typing import TYPE_CHECKING

import dramatiq
import pytest
from playwright.sync_api import expect

from tenancy.models import TimelineEntry
from tests.browser.people import become, tab_to
from tests.factories import tenancy as make
from tests.factories.imports import csv, line
from tests.factories.jobs import at

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page
    from pytest_django.live_server_helper import LiveServer

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("redis_url")]

PATIENCE_MS = 60_000
HEADER = "external_id,mission,kind,title,starts_at,ends_at,Where it is,notes"


def press(page: "Page", wanted: "Locator") -> None:
    """Go there by Tab and press Enter."""
    tab_to(page, wanted)
    page.keyboard.press("Enter")


def test_a_file_with_bad_rows_is_imported_and_its_report_taken_by_keyboard_only(
    live_server: "LiveServer", page: "Page", worker: dramatiq.Worker, tmp_path: Path
) -> None:
    own = make.organization()
    mission = make.mission(make.project(own)).reference
    rows = [line(f"E-{number}", mission) for number in range(30)]
    rows[3] = line("E-3", mission, starts_at="tomorrow")
    rows[7] = line("E-7", "No such mission")
    file = tmp_path / "plan.csv"
    file.write_bytes(csv(*rows, header=HEADER))
    become(page, live_server, make.member(own, role="editor"))

    page.goto(f"{live_server.url}/admin/jobs/import/")
    press(page, page.get_by_role("link", name=re.compile("Add import")).first)
    expect(page).to_have_title("Upload a file | Control plane")
    tab_to(page, page.get_by_label("What it holds"))
    with page.expect_file_chooser() as chooser:
        press(page, page.locator("input[type=file]"))
    chooser.value.set_files(file)
    press(page, page.get_by_role("button", name="Upload", exact=True))

    mapped = page.get_by_label("Field for column G")
    expect(mapped).to_be_visible(timeout=PATIENCE_MS)
    expect(page.get_by_text("This column goes to no field.")).to_be_visible()
    tab_to(page, mapped)
    page.keyboard.type("location")
    press(page, page.get_by_role("button", name="Check the file"))

    approve = page.get_by_role("button", name="Approve")
    expect(approve).to_be_visible(timeout=PATIENCE_MS)
    wrong = page.get_by_role("region", name="Rows with errors and warnings")
    expect(wrong.get_by_role("row", name="tomorrow")).to_contain_text("starts_at")
    expect(wrong.get_by_role("row", name="No such mission")).to_contain_text("unknown_reference")
    press(page, approve)

    expect(page.get_by_text("Written: 28 added")).to_be_visible(timeout=PATIENCE_MS)
    with at(own):
        assert TimelineEntry.objects.filter(organization=own).count() == 28
    report = page.get_by_role("link", name="Rows with errors", exact=True)
    with page.expect_download() as download:
        press(page, report)
    text = Path(download.value.path()).read_text()
    assert [one for one in ("tomorrow", "No such mission", "E-1,") if one in text] == [
        "tomorrow",
        "No such mission",
    ]
