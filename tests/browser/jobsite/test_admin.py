"""The admin site in Chromium: one edit, one retry, the palette, and a quiet console."""

import re
from typing import TYPE_CHECKING

import pytest
from django.urls import reverse
from playwright.sync_api import expect

from tenancy.models import Mission
from tests.browser.people import sign_in
from tests.factories import jobs, tenancy
from tests.factories.search import work

if TYPE_CHECKING:
    from playwright.sync_api import ConsoleMessage, Page
    from pytest_django.live_server_helper import LiveServer

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("redis_url")]


def listen(page: "Page") -> list[str]:
    """What the console complains about from now on, refused scripts and styles included."""
    heard: list[str] = []

    def hear(message: "ConsoleMessage") -> None:
        if message.type in ("error", "warning"):
            heard.append(message.text)

    page.on("console", hear)
    page.on("pageerror", lambda error: heard.append(str(error)))
    return heard


def test_an_editor_changes_a_mission(live_server: "LiveServer", page: "Page") -> None:
    own = tenancy.organization()
    mission = tenancy.mission(tenancy.project(own), title="Before")
    sign_in(page, live_server, tenancy.member(own, role="editor"))

    page.goto(live_server.url + reverse("admin:tenancy_mission_change", args=[mission.pk]))
    page.get_by_label("Title").fill("After")
    page.get_by_role("button", name="Save", exact=True).click()

    expect(page.get_by_text("was changed successfully")).to_be_visible()
    with jobs.at(own):
        assert Mission.objects.get(pk=mission.pk).title == "After"


def test_an_operator_retries_a_dead_job_by_keyboard(
    live_server: "LiveServer", page: "Page"
) -> None:
    dead = jobs.dead_job()
    sign_in(page, live_server, tenancy.operator())

    page.goto(live_server.url + reverse("admin:jobs_job_change", args=[dead.job_id]))
    page.get_by_role("link", name="Retry").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_label("Reason")).to_be_focused()
    page.keyboard.type("the receiver is back")
    page.keyboard.press("Enter")

    expect(page.get_by_text("Retried 1 job.")).to_be_visible()
    assert jobs.row(dead).state == "queued"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_page_makes_the_console_complain(
    scheme: str, live_server: "LiveServer", page: "Page"
) -> None:
    own = tenancy.organization()
    dead = jobs.dead_job(own)
    mission = tenancy.mission(tenancy.project(own))
    page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    heard = listen(page)
    sign_in(page, live_server, tenancy.operator())

    for address in (
        "/admin/",
        reverse("admin:jobs_job_changelist"),
        reverse("admin:jobs_job_change", args=[dead.job_id]),
        reverse("admin:jobs_job_retry", args=[dead.job_id]),
        reverse("admin:jobs_deadletter_changelist"),
        reverse("admin:tenancy_mission_add"),
        reverse("admin:tenancy_mission_change", args=[mission.pk]),
        reverse("admin:audit_auditevent_changelist"),
    ):
        page.goto(live_server.url + address)
        page.wait_for_load_state("networkidle")

    assert heard == []


def test_the_palette_opens_a_page_by_keyboard(live_server: "LiveServer", page: "Page") -> None:
    sign_in(page, live_server, tenancy.operator())

    page.keyboard.press("Control+k")
    page.locator("#search-input-command").fill("audit even")
    page.locator("#search-input-command").press("t")
    expect(page.locator("#command-results").get_by_text("Audit events")).to_be_visible()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")

    expect(page).to_have_title("Audit events | Control plane")


def test_a_mission_is_found_by_its_words_with_the_keyboard_alone(
    live_server: "LiveServer", page: "Page"
) -> None:
    own = tenancy.organization()
    mission = tenancy.mission(tenancy.project(own), title="Dredge the outer basin")
    work(own)
    sign_in(page, live_server, tenancy.member(own, role="viewer"))

    page.keyboard.press("/")
    expect(page.locator("#search-input-command")).to_be_focused()
    page.keyboard.type("outer bas")
    expect(page.locator("#command-results").get_by_text("Dredge the outer basin")).to_be_visible()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")

    expect(page).to_have_url(re.compile(f"/tenancy/mission/{mission.pk}/change/"))


def test_an_organization_is_found_by_typing(live_server: "LiveServer", page: "Page") -> None:
    own = tenancy.organization("Quayside Typing Test")
    sign_in(page, live_server, tenancy.operator())

    page.goto(live_server.url + reverse("admin:tenancy_project_add"))
    page.locator(".field-organization .select2-selection, .select2-selection").first.click()
    page.locator(".select2-search__field").fill("Quayside")
    page.locator(".select2-results__option", has_text="Quayside Typing Test").click()
    page.get_by_label("Code").fill("Q")
    page.get_by_label("Name", exact=False).first.fill("Quay")
    page.get_by_role("button", name="Save", exact=True).click()

    expect(page.get_by_text("was added successfully")).to_be_visible()
    assert own.name
