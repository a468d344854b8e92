"""Dead letters in the admin: one and many, retried and discarded, each with a reason."""

from collections.abc import Sequence
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from jobs.ledger.transitions import JobRef
from jobs.models import DeadLetter
from tenancy.models import Organization
from tests.factories import jobs, tenancy
from tests.factories.admin import signed_in

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("redis_url")]

LIST = "admin:jobs_deadletter_changelist"
PAGE = "admin:jobs_deadletter_change"


@pytest.fixture
def own() -> Organization:
    return tenancy.organization()


@pytest.fixture
def admin(own: Organization) -> Client:
    return signed_in(tenancy.member(own, role="admin"))


def letters(refs: Sequence[JobRef]) -> list[DeadLetter]:
    with jobs.at(refs[0].organization_id):
        return list(
            DeadLetter.objects.filter(job_id__in=[ref.job_id for ref in refs]).order_by("pk")
        )


def act(client: Client, action: str, of: Sequence[DeadLetter], **more: str) -> Any:
    selected = {"action": action, "_selected_action": [letter.pk for letter in of]}
    return client.post(reverse(LIST), selected | more, follow=True)


def states(refs: Sequence[JobRef]) -> list[str]:
    return [jobs.row(ref).state for ref in refs]


def test_the_list_shows_the_open_ones(own: Organization, admin: Client) -> None:
    dead = [jobs.dead_job(own), jobs.dead_job(own)]
    address = reverse("admin:jobs_job_discard", args=[dead[0].job_id])
    admin.post(address, {"reason": "not needed"})

    [handled, still_open] = [reverse(PAGE, args=[letter.pk]) for letter in letters(dead)]
    page = admin.get(reverse(LIST)).content.decode()
    assert (still_open in page, handled in page) == (True, False)
    assert handled in admin.get(reverse(LIST), {"state": "all"}).content.decode()


def test_selected_ones_are_retried_after_a_question(own: Organization, admin: Client) -> None:
    dead = [jobs.dead_job(own) for _ in range(3)]

    asked = act(admin, "retry_selected", letters(dead)).content.decode()
    assert "Retry 3 jobs?" in asked
    assert "Begun, outcome unknown" in asked
    assert states(dead) == ["dead"] * 3
    done = act(admin, "retry_selected", letters(dead), confirm="yes", reason="mended")

    assert "Retried 3 jobs." in done.content.decode()
    assert states(dead) == ["queued"] * 3


def test_those_that_cannot_be_moved_are_left_and_counted(own: Organization, admin: Client) -> None:
    dead = [jobs.dead_job(own) for _ in range(2)]
    admin.post(reverse("admin:jobs_job_retry", args=[dead[0].job_id]), {"reason": "first"})

    page = act(admin, "discard_selected", letters(dead), confirm="yes", reason="all of them")

    # The first is not open any more, so the list that was acted on holds one.
    assert "Discarded 1 job." in page.content.decode()
    assert states(dead) == ["queued", "cancelled"]


def test_without_a_reason_nothing_happens(own: Organization, admin: Client) -> None:
    dead = [jobs.dead_job(own)]

    page = act(admin, "retry_selected", letters(dead), confirm="yes", reason="")

    assert "required" in page.content.decode()
    assert states(dead) == ["dead"]


def test_letters_of_others_among_the_selected_are_not_touched(
    own: Organization, admin: Client
) -> None:
    foreign = [jobs.dead_job(tenancy.organization())]

    act(admin, "retry_selected", letters(foreign), confirm="yes", reason="mine now")

    assert states(foreign) == ["dead"]


def test_who_may_only_look_has_no_actions(own: Organization) -> None:
    dead = [jobs.dead_job(own)]
    viewer = signed_in(tenancy.member(own, role="viewer"))

    act(viewer, "retry_selected", letters(dead), confirm="yes", reason="please")

    assert states(dead) == ["dead"]
    assert "retry_selected" not in viewer.get(reverse(LIST)).content.decode()


def test_the_page_of_one_shows_its_error_and_acts_on_its_job(
    own: Organization, admin: Client
) -> None:
    dead = jobs.dead_job(own)
    [letter] = letters([dead])
    page = reverse(PAGE, args=[letter.pk])

    assert "Boom" in admin.get(page).content.decode()
    done = admin.post(
        reverse("admin:jobs_deadletter_retry", args=[letter.pk]), {"reason": "mended"}, follow=True
    )

    assert "Retried 1 job." in done.content.decode()
    assert "“mended”" in done.content.decode()
    assert jobs.row(dead).state == "queued"
