"""A receiver fails, its webhook dies; an operator reads why, and retries it or gives it up."""

from typing import TYPE_CHECKING

import pytest
from django.urls import reverse
from playwright.sync_api import expect

from jobs.ledger.models import DeadLetter
from jobs.ledger.transitions import JobRef
from tests.browser.people import become
from tests.factories import jobs
from tests.factories import tenancy as make
from tests.waiting import eventually

from .conftest import PATIENCE_SECONDS, House

if TYPE_CHECKING:
    from playwright.sync_api import Page
    from pytest_django.live_server_helper import LiveServer

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("worker")]

REASON = "the receiver was repaired"


@pytest.fixture
def operator(page: "Page", live_server: "LiveServer") -> "Page":
    """An operator's browser."""
    become(page, live_server, make.operator())
    return page


def open_letters(house: House, count: int) -> list[DeadLetter]:
    """The open dead letters of the house, once there are so many."""

    def look() -> list[DeadLetter]:
        with jobs.at(house.organization):
            found = list(DeadLetter.objects.filter(state="open").order_by("pk"))
        return found if len(found) == count else []

    return eventually(look, within=PATIENCE_SECONDS)


def listed(house: House, state: str = "open") -> str:
    """Where the list of the house's dead letters is."""
    query = f"?organization__id__exact={house.organization.pk}&state={state}"
    return reverse("admin:jobs_deadletter_changelist") + query


def state_of(letter: DeadLetter) -> str:
    assert letter.job_id
    ref = JobRef(organization_id=letter.organization_id or 0, job_id=letter.job_id)
    return jobs.row(ref).state


def until_succeeded(letter: DeadLetter) -> None:
    eventually(lambda: state_of(letter) == "succeeded", within=PATIENCE_SECONDS)


def answer(page: "Page", verb: str) -> None:
    """Give a reason and confirm."""
    page.get_by_label("Reason").fill(REASON)
    page.get_by_role("button", name=verb).click()


def test_a_dead_letter_says_why_and_is_retried_when_the_receiver_is_repaired(
    house: House, live_server: "LiveServer", operator: "Page"
) -> None:
    hook = house.hook("board", answers=500)
    house.change_mission("Repaint the buoy")
    [letter] = open_letters(house, 1)

    operator.goto(live_server.url + listed(house))
    operator.get_by_role("link", name="Retries exhausted").click()
    error = operator.locator("section", has_text="The error")
    expect(error.locator("dt:text-is('Reason') + dd")).to_have_text("Retries exhausted")
    expect(error.locator("dt:text-is('Class') + dd")).to_contain_text("ReceiverFailed")
    expect(error.locator("dt:text-is('Message') + dd")).to_contain_text("answered 500")
    expect(error.locator("dt:text-is('Where') + dd")).to_contain_text("deliver_webhook.py")
    expect(operator.get_by_text("retries exhausted, after 10 attempts")).to_be_visible()

    house.receivers.answer(hook, 200)
    operator.get_by_role("link", name="Retry").click()
    answer(operator, "Retry this job")
    expect(operator.get_by_text("Retried 1 job.")).to_be_visible()

    assert house.webhook_about("Repaint the buoy", hook).verified
    until_succeeded(letter)
    operator.get_by_role("link", name=str(letter.job_id)).click()
    expect(operator.get_by_text("Succeeded at attempt 1 after a person retried it")).to_be_visible()
    expect(operator.get_by_text("A person retried the dead job")).to_be_visible()
    operator.goto(live_server.url + listed(house))
    expect(operator.get_by_text("Nothing matches")).to_be_visible()
    log = reverse("admin:audit_auditevent_changelist") + f"?target_id={letter.job_id}"
    operator.goto(live_server.url + log)
    expect(operator.get_by_role("row", name="job.retried")).to_contain_text(REASON)


def test_several_dead_letters_are_selected_and_retried(
    house: House, live_server: "LiveServer", operator: "Page"
) -> None:
    hooks = [house.hook(name, answers=500) for name in ("board", "desk", "archive")]
    house.change_mission("Move the pontoon")
    letters = open_letters(house, 3)
    for hook in hooks:
        house.receivers.answer(hook, 200)

    operator.goto(live_server.url + listed(house))
    boxes = operator.get_by_role("checkbox", name="Select record")
    boxes.nth(0).check()
    boxes.nth(1).check()
    operator.get_by_label("Select action").select_option(label="Retry selected")
    operator.get_by_role("button", name="Run").click()
    expect(operator.get_by_role("heading", name="Retry 2 jobs?")).to_be_visible()
    answer(operator, "Retry 2 jobs")

    expect(operator.get_by_text("Retried 2 jobs.")).to_be_visible()
    for letter in letters[1:]:  # the newest stand first
        until_succeeded(letter)
    assert state_of(letters[0]) == "dead"
    taken = [one for one in house.receivers.hooks() if one.answered == 200]
    assert [one.verified for one in taken] == [True, True]


def test_a_dead_letter_is_discarded_and_restored(
    house: House, live_server: "LiveServer", operator: "Page"
) -> None:
    house.hook("board", answers=500)
    house.change_mission("Sell the dinghy")
    [letter] = open_letters(house, 1)

    operator.goto(live_server.url + reverse("admin:jobs_deadletter_change", args=[letter.pk]))
    operator.get_by_role("link", name="Discard").click()
    answer(operator, "Discard this job")
    expect(operator.get_by_text("Discarded 1 job.")).to_be_visible()
    operator.get_by_role("link", name=str(letter.job_id)).click()
    expect(operator.get_by_text("it can be restored for another")).to_be_visible()
    operator.get_by_role("link", name="Restore").click()
    answer(operator, "Restore this job")

    expect(operator.get_by_text("Restored 1 job.")).to_be_visible()
    operator.goto(live_server.url + listed(house))
    expect(operator.get_by_role("link", name="Retries exhausted")).to_have_count(1)
    assert state_of(letter) == "dead"
