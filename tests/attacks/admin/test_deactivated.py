"""A member who is deactivated is out at once, on every page, and wherever they are signed in."""

import pytest
from django.test import Client
from django.urls import reverse

from tenancy import changes, clock
from tenancy.models import Membership, Mission, Organization, User
from tests.factories import PASSWORD, tenancy
from tests.factories.admin import signed_in
from tests.factories.jobs import at

pytestmark = pytest.mark.django_db(transaction=True)

MISSIONS = reverse("admin:tenancy_mission_changelist")


@pytest.fixture
def own() -> Organization:
    return tenancy.organization("Left Behind")


def deactivate(of: Organization, person: User) -> None:
    with at(of):
        changes.update(
            Membership.objects.get(organization=of, user=person), deactivated_at=clock.now()
        )


def test_the_next_page_of_a_session_that_was_open_is_the_sign_in(own: Organization) -> None:
    person = tenancy.member(own, role="owner")
    client = signed_in(person)
    assert client.get(MISSIONS).status_code == 200

    deactivate(own, person)

    answer = client.get(MISSIONS)
    assert (answer.status_code, answer["Location"].split("?")[0]) == (302, reverse("admin:login"))


def test_what_was_filled_in_before_changes_nothing_after(own: Organization) -> None:
    person, project = tenancy.member(own, role="owner"), tenancy.project(own)
    client = signed_in(person)
    form = {"project": project.pk, "reference": "M-1", "title": "Late", "state": "planned"}

    deactivate(own, person)
    client.post(reverse("admin:tenancy_mission_add"), form)

    with at(own):
        assert not Mission.objects.filter(title="Late").exists()


def test_the_right_password_opens_nothing_any_more(own: Organization) -> None:
    person = tenancy.member(own)
    deactivate(own, person)
    client = Client()

    client.post("/admin/login/", {"username": person.email, "password": PASSWORD})

    assert client.get("/admin/").status_code == 302


def test_in_another_organization_they_go_on_and_see_nothing_of_the_first(
    own: Organization,
) -> None:
    person, kept = tenancy.member(own, role="owner"), tenancy.organization("Kept")
    tenancy.member(kept, role="owner", user=person)
    mission = tenancy.mission(tenancy.project(own))
    client = signed_in(person)

    deactivate(own, person)

    assert client.get(MISSIONS).status_code == 200
    page = reverse("admin:tenancy_mission_change", args=[mission.pk])
    assert client.get(page).status_code == 404
    shown = client.get("/admin/tenancy/organization/").content.decode()
    assert "Kept" in shown
    assert "Left Behind" not in shown
    assert "Left Behind" not in client.get("/admin/search/", {"s": "left"}).content.decode()


def test_they_reactivate_nobody_and_not_themselves(own: Organization) -> None:
    person = tenancy.member(own, role="owner")
    deactivate(own, person)
    with at(own):
        row = Membership.objects.get(user=person)
    address = reverse("admin:tenancy_membership_reactivate", args=[row.pk])

    signed_in(person).post(address, {"reason": "let me in"})

    with at(own):
        assert Membership.objects.get(pk=row.pk).deactivated_at


def test_an_admin_of_another_organization_deactivates_nobody_here(own: Organization) -> None:
    person = tenancy.member(own)
    with at(own):
        row = Membership.objects.get(user=person)
    stranger = signed_in(tenancy.member(tenancy.organization(), role="owner"))

    for route in ("deactivate", "reactivate"):
        address = reverse(f"admin:tenancy_membership_{route}", args=[row.pk])
        assert stranger.post(address, {"reason": "x"}).status_code == 404

    with at(own):
        assert Membership.objects.get(pk=row.pk).deactivated_at is None
