"""The page behind the link of an invitation: who accepts it, and what they are then."""

import json

import pytest
from django.test import Client
from django.urls import reverse

from audit.models import AuditEvent
from tenancy import changes, invitations
from tenancy.models import Collaborator, Invitation, Membership, Organization, User
from tests.factories import jobs, tenancy
from tests.factories.admin import signed_in

pytestmark = pytest.mark.django_db(transaction=True)

HOME = "/admin/"
NEW = {"name": "Nova", "new_password1": tenancy.PASSWORD, "new_password2": tenancy.PASSWORD}


@pytest.fixture
def own() -> Organization:
    return tenancy.organization("Aurora")


def role_of(person: User, own: Organization) -> str:
    with jobs.at(own):
        found = Membership.objects.filter(organization=own, user=person).first()
        return found.role if found else ""


def person(email: str) -> User:
    return User.objects.get(email=email)


def state(invitation: Invitation) -> str:
    with jobs.at(invitation.organization_id):
        return Invitation.objects.get(pk=invitation.pk).state


def test_a_stranger_chooses_a_password_and_is_a_member(own: Organization) -> None:
    invitation = tenancy.invitation(own, email="nova@example.test", name="Nova Q", role="admin")
    client, link = Client(), invitations.url(invitation)

    shown = client.get(link).content.decode()
    client.post(link, NEW)

    assert "Aurora" in shown
    assert 'value="Nova Q"' in shown
    nova = person("nova@example.test")
    assert (nova.name, role_of(nova, own)) == ("Nova", "admin")
    assert state(invitation) == "accepted"
    assert client.get(HOME).status_code == 200
    other = Client()
    other.post("/admin/login/", {"username": nova.email, "password": tenancy.PASSWORD})
    assert other.get(HOME).status_code == 200


def test_what_happened_stands_in_the_log_in_the_person_s_own_name(own: Organization) -> None:
    invitation = tenancy.invitation(own, email="told@example.test")

    Client().post(invitations.url(invitation), NEW)

    actor = f"user:{person('told@example.test').pk}"
    with jobs.at(own):
        told = AuditEvent.objects.filter(actor=actor).order_by("id")
        assert [one.action for one in told] == [
            "invitation.accepted",
            "membership.created",
            "person.signed_in",
        ]
        made = AuditEvent.objects.get(action="invitation.created")
    # The address is kept apart, as all that is about a person.
    assert "told@example.test" not in made.event
    assert "told@example.test" in str(made.personal)
    assert "token" not in json.loads(made.event)["changes"]


def test_whoever_has_an_account_gives_its_password(own: Organization) -> None:
    known = tenancy.person(email="Known@example.test")
    link = invitations.url(tenancy.invitation(own, email="known@example.test", role="viewer"))
    client = Client()

    wrong = client.post(link, {"password": "guess"})
    before = role_of(known, own)
    client.post(link, {"password": tenancy.PASSWORD})

    assert "not the password" in wrong.content.decode()
    assert (before, role_of(known, own)) == ("", "viewer")
    assert client.get(HOME).status_code == 200
    assert User.objects.filter(email__iexact="known@example.test").count() == 1


def test_whoever_is_signed_in_presses_a_button(own: Organization) -> None:
    member = tenancy.member(tenancy.organization(), role="owner")
    invitation = tenancy.invitation(own, email=member.email)
    client = signed_in(member)

    shown = client.get(invitations.url(invitation)).content.decode()
    client.post(invitations.url(invitation))

    assert "password" not in shown.split("<form")[1]
    assert role_of(member, own) == "editor"
    assert "Aurora" in client.get("/admin/tenancy/organization/").content.decode()


def test_the_first_owner_of_an_organization_is_invited_by_the_site(own: Organization) -> None:
    form = {"organization": own.pk, "email": "first@example.test", "role": "owner", "name": ""}
    signed_in(tenancy.operator()).post(reverse("admin:tenancy_invitation_add"), form)
    with jobs.at(own):
        invitation = Invitation.objects.get(organization=own)

    Client().post(invitations.url(invitation), NEW)

    assert role_of(person("first@example.test"), own) == "owner"


def test_a_weak_password_makes_no_account(own: Organization) -> None:
    invitation = tenancy.invitation(own, email="weak.person@example.test")
    weak = NEW | {"new_password1": "weak.person", "new_password2": "weak.person"}

    said = Client().post(invitations.url(invitation), weak).content.decode()

    assert "too similar" in said
    assert not User.objects.filter(email="weak.person@example.test").exists()
    assert state(invitation) == "pending"


def test_whoever_stands_on_the_roster_under_the_address_is_that_person_now(
    own: Organization,
) -> None:
    invitation = tenancy.invitation(own, email="rostered@example.test")
    waiting = tenancy.collaborator(own, email="Rostered@example.test", status="invited")
    elsewhere = tenancy.collaborator(email="rostered@example.test")

    Client().post(invitations.url(invitation), NEW)

    with jobs.at(own):
        now = Collaborator.objects.get(pk=waiting.pk)
    assert (now.user, now.status) == (person("rostered@example.test"), "active")
    with jobs.at(elsewhere.organization_id):
        assert Collaborator.objects.get(pk=elsewhere.pk).user is None


def test_somebody_who_became_a_member_meanwhile_keeps_the_role(own: Organization) -> None:
    member = tenancy.person()
    invitation = tenancy.invitation(own, email=member.email, role="viewer")
    tenancy.member(own, role="admin", user=member)

    signed_in(member).post(invitations.url(invitation))

    assert (role_of(member, own), state(invitation)) == ("admin", "accepted")


def test_nothing_is_accepted_in_a_suspended_organization(own: Organization) -> None:
    invitation = tenancy.invitation(own)
    with jobs.at(own):
        changes.update(own, state="suspended")

    assert Client().post(invitations.url(invitation), NEW).status_code == 404
    assert state(invitation) == "pending"


def test_an_account_by_the_site_gets_a_link_to_choose_its_password(
    mailoutbox: list[object],
) -> None:
    form = {"email": "op@example.test", "name": "Op", "is_active": "on", "reason": "new colleague"}

    signed_in(tenancy.operator()).post(reverse("admin:tenancy_user_add"), form)

    [mail] = mailoutbox
    assert "/admin/password/choose/" in str(mail.body)  # type: ignore[attr-defined]
