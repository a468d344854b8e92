"""A changed mission becomes a mail and a webhook, and one correlation id finds all that it did."""

import json
from typing import TYPE_CHECKING
from urllib.request import Request, urlopen

import pytest
from django.urls import reverse
from playwright.sync_api import expect

from tests.browser.people import become
from tests.factories import tenancy as make

from .conftest import House

if TYPE_CHECKING:
    from playwright.sync_api import Page
    from pytest_django.live_server_helper import LiveServer

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("worker")]

CAUSED = [
    "notifications.deliver_mail",
    "notifications.deliver_webhook",
    "notifications.fan_out",
    "search.index_mission",
]


def test_a_mission_changed_in_the_admin_is_told_and_can_be_followed(
    house: House, live_server: "LiveServer", page: "Page"
) -> None:
    hook = house.hook("board")
    become(page, live_server, house.editor)

    page.goto(live_server.url + reverse("admin:tenancy_mission_change", args=[house.mission.pk]))
    page.get_by_label("Title").fill("Raise the north mast")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_text("was changed successfully")).to_be_visible()

    assert house.mail_about("Raise the north mast").recipients == [house.person.email]
    assert house.webhook_about("Raise the north mast", hook).verified

    become(page, live_server, make.member(house.organization, role="admin"))
    page.goto(live_server.url + reverse("admin:audit_auditevent_changelist"))
    page.get_by_role("link", name="mission.changed", exact=True).first.click()
    follow(page, live_server, correlation_id_on(page))


def test_a_mission_changed_through_the_api_is_told_and_can_be_followed(
    house: House, live_server: "LiveServer", page: "Page"
) -> None:
    hook = house.hook("board")

    correlation_id = patch_mission(house, live_server, title="Lower the south mast")

    assert house.mail_about("Lower the south mast").recipients == [house.person.email]
    assert house.webhook_about("Lower the south mast", hook).verified
    become(page, live_server, make.operator())
    follow(page, live_server, correlation_id)


def patch_mission(house: House, server: "LiveServer", **values: str) -> str:
    """Over HTTP, with a service account's token; returns the answer's X-Correlation-ID."""
    account = make.service_account(house.organization)
    address = f"/api/v1/organizations/{house.organization.pk}/missions/{house.mission.pk}"
    token = account.token  # type: ignore[attr-defined]
    request = Request(
        server.url + address,
        data=json.dumps(values).encode(),
        headers={"Authorization": f"Bearer {token}", "Content-Type": "application/json"},
        method="PATCH",
    )
    with urlopen(request) as answer:
        assert json.load(answer)["title"] == values["title"]
        return str(answer.headers["X-Correlation-ID"])


def correlation_id_on(page: "Page") -> str:
    return page.locator("dt", has_text="Correlation id").locator("+ dd").inner_text()


def follow(page: "Page", server: "LiveServer", correlation_id: str) -> None:
    """By the search of jobs and the filter of the audit log: jobs, attempts, audit events."""
    page.goto(server.url + reverse("admin:jobs_job_changelist"))
    page.get_by_placeholder("A job id or correlation id").fill(correlation_id)
    page.keyboard.press("Enter")
    jobs = page.locator("#result_list tbody th a")
    expect(jobs).to_have_count(len(CAUSED))
    assert sorted(jobs.all_inner_texts()) == CAUSED

    for job_type in CAUSED:
        page.get_by_role("link", name=job_type).click()
        expect(page.get_by_text("Succeeded at attempt 1")).to_be_visible()
        expect(page.get_by_text(f"{len(CAUSED)} jobs with the correlation id")).to_be_visible()
        expect(page.locator("p:has(strong:text-is('Attempt 1'))")).to_contain_text("succeeded")
        expect(page.get_by_role("link", name="mission.changed", exact=True)).to_be_visible()
        page.go_back()

    page.goto(server.url + reverse("admin:audit_auditevent_changelist"))
    page.get_by_role("button", name="Filters").click()
    page.get_by_label("By correlation id").fill(correlation_id)
    page.keyboard.press("Enter")
    expect(page.locator("#result_list tbody th a")).to_have_text(["mission.changed"])
