"""Inviting, sending again and revoking, on the pages of an organization's own people."""

import pytest
from django.test import Client
from django.urls import reverse

from jobs.models import Job
from tenancy import changes, invitations
from tenancy.models import Invitation, Organization, User
from tests.factories import jobs, tenancy
from tests.factories.admin import signed_in

pytestmark = pytest.mark.django_db(transaction=True)

PAGE = "admin:tenancy_invitation"


@pytest.fixture
def own() -> Organization:
    return tenancy.organization()


@pytest.fixture
def admin(own: Organization) -> Client:
    return signed_in(tenancy.member(own, role="admin"))


def invite(client: Client, email: str, role: str = "editor", name: str = "") -> str:
    form = {"email": email, "role": role, "name": name}
    response = client.post(reverse(f"{PAGE}_add"), form, follow=True)
    return response.content.decode()


def act(client: Client, invitation: Invitation, route: str) -> str:
    address = reverse(f"{PAGE}_{route}", args=[invitation.pk])
    return client.post(address, {"reason": "a test"}, follow=True).content.decode()


def invited(own: Organization) -> list[tuple[str, str, str]]:
    with jobs.at(own):
        found = Invitation.objects.filter(organization=own).order_by("pk")
        return [(one.email, one.role, one.state) for one in found]


def mailed(own: Organization) -> int:
    with jobs.at(own):
        return Job.objects.filter(job_type="notifications.send_invitation").count()


def test_who_is_invited_has_no_account_and_no_membership(own: Organization, admin: Client) -> None:
    invite(admin, " New@Example.test ", name="Nova")

    assert invited(own) == [("new@example.test", "editor", "pending")]
    assert not User.objects.filter(email__iexact="new@example.test").exists()
    assert mailed(own) == 1


def test_an_account_elsewhere_makes_no_difference_to_what_is_shown(
    own: Organization, admin: Client
) -> None:
    known = tenancy.member(tenancy.organization(), role="owner")

    stranger = invite(admin, "stranger@example.test")
    other = invite(admin, known.email)

    with jobs.at(own):
        theirs, nobody = Invitation.objects.filter(organization=own)[:2]
    # One row more in the list, and the names; nothing else.
    assert (theirs.email, nobody.email) == (known.email, "stranger@example.test")
    assert "added successfully" in stranger
    assert "added successfully" in other
    assert known.name not in other
    pages = [
        admin.get(reverse(f"{PAGE}_change", args=[one.pk])).content.decode()
        for one in (theirs, nobody)
    ]
    assert known.name not in pages[0]
    assert invited(own)[0][1:] == invited(own)[1][1:]


def test_a_member_or_somebody_invited_is_not_invited_again(
    own: Organization, admin: Client
) -> None:
    member = tenancy.member(own, email="Here@example.test")
    invite(admin, "asked@example.test")

    assert "is a member already" in invite(admin, member.email.lower())
    assert "is invited already" in invite(admin, "ASKED@example.test")
    assert len(invited(own)) == 1


def test_an_admin_invites_no_owner(own: Organization, admin: Client) -> None:
    shown = invite(admin, "heir@example.test", "owner")

    assert "not one of the available choices" in shown
    assert '<option value="owner"' not in shown
    assert invited(own) == []


def test_sent_again_it_has_another_link_and_the_old_one_is_dead(
    own: Organization, admin: Client
) -> None:
    invitation = tenancy.invitation(own)
    old = invitations.url(invitation)

    said = act(admin, invitation, "send_again")

    with jobs.at(own):
        now = Invitation.objects.get(pk=invitation.pk)
    assert "Another mail is on its way" in said
    assert invitations.url(now) != old
    assert Client().get(old).status_code == 404
    assert Client().get(invitations.url(now)).status_code == 200
    assert mailed(own) == 2


def test_a_revoked_one_opens_nothing_and_cannot_be_sent_again(
    own: Organization, admin: Client
) -> None:
    invitation = tenancy.invitation(own)

    act(admin, invitation, "revoke")

    assert invited(own)[0][2] == "revoked"
    assert Client().get(invitations.url(invitation)).status_code == 404
    assert "withdrawn" in act(admin, invitation, "send_again")
    assert mailed(own) == 1


def test_somebody_whose_invitation_is_over_can_be_invited_anew(
    own: Organization, admin: Client
) -> None:
    invitation = tenancy.invitation(own, email="late@example.test")
    with jobs.at(own):
        changes.update(invitation, expires_at=invitation.created_at)

    invite(admin, "late@example.test", "viewer")

    assert [one[1:] for one in invited(own)] == [("editor", "expired"), ("viewer", "pending")]


def test_seats_are_counted_over_members_and_open_invitations(
    own: Organization, admin: Client
) -> None:
    with jobs.at(own):
        changes.update(own, seat_limit=2)

    first, second = (invite(admin, f"{name}@example.test") for name in ("first", "second"))

    assert "added successfully" in first
    assert "takes 1 more seats, and 0 are free" in second
    assert len(invited(own)) == 1


@pytest.mark.parametrize("limit", Organization.limits)
def test_only_the_site_sets_limits(own: Organization, limit: str) -> None:
    owner, operator = tenancy.member(own, role="owner"), tenancy.operator()
    address = reverse("admin:tenancy_organization_change", args=[own.pk])
    form = {"name": "N", "slug": own.slug, "time_zone": "UTC", "locale": "en", limit: "5"}

    def limit_after(person: User) -> int | None:
        signed_in(person).post(address, form)
        with jobs.at(own):
            found: int | None = getattr(Organization.objects.get(pk=own.pk), limit)
            return found

    assert limit_after(owner) is None
    assert limit_after(operator) == 5


def test_an_editor_neither_sees_nor_invites(own: Organization) -> None:
    editor = signed_in(tenancy.member(own, role="editor"))
    invitation = tenancy.invitation(own)

    assert editor.get(reverse(f"{PAGE}_changelist")).status_code == 403
    assert editor.get(reverse(f"{PAGE}_add")).status_code == 403
    assert editor.post(reverse(f"{PAGE}_revoke", args=[invitation.pk])).status_code == 404
    assert len(invited(own)) == 1


def test_the_page_says_of_an_invitation_that_nobody_can_accept_what_to_do(
    own: Organization, admin: Client
) -> None:
    inviter = tenancy.member(own, role="admin")
    invitation = tenancy.invitation(own, by=inviter)
    with jobs.at(own):
        changes.update(inviter.memberships.get(organization=own), role="viewer")

    shown = admin.get(reverse(f"{PAGE}_change", args=[invitation.pk])).content.decode()

    assert "nobody can accept it" in shown
    act(admin, invitation, "send_again")
    with jobs.at(own):
        now = Invitation.objects.get(pk=invitation.pk)
    assert Client().get(invitations.url(now)).status_code == 200
