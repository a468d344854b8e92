"""Links of invitations in the wrong hands, at the wrong time, or more than once."""

from urllib.parse import urlsplit

import pytest
from django.test import Client

from tenancy import changes, invitations
from tenancy.models import Invitation, Membership, Organization, User
from tests.factories import PASSWORD, tenancy
from tests.factories.admin import signed_in
from tests.factories.jobs import at
from tests.threads import elsewhere, together, until_somebody_waits_for_a_lock

pytestmark = pytest.mark.django_db(transaction=True)

NEW = {"name": "Nova", "new_password1": PASSWORD, "new_password2": PASSWORD}
TOO_MANY = 10


@pytest.fixture
def own() -> Organization:
    return tenancy.organization()


def path(invitation: Invitation) -> str:
    return urlsplit(invitations.url(invitation)).path


def members(own: Organization) -> int:
    with at(own):
        return Membership.objects.filter(organization=own).count()


def accounts(invitation: Invitation) -> int:
    return User.objects.filter(email__iexact=invitation.email).count()


def nothing_came_of(invitation: Invitation) -> bool:
    with at(invitation.organization_id):
        now = Invitation.objects.get(pk=invitation.pk)
    return (now.state, accounts(invitation)) == (invitation.state, 0)


def test_a_link_that_opens_nothing_has_one_answer_whatever_the_reason(own: Organization) -> None:
    used, revoked, over, elsewhere = (
        tenancy.invitation(of) for of in (own, own, own, tenancy.organization())
    )
    Client().post(path(used), NEW)
    with at(own):
        changes.update(revoked, state="revoked")
        changes.update(over, expires_at=over.created_at)
    token = path(elsewhere).split("/")[3]
    links = [path(used), path(revoked), path(over), f"/invitations/{own.pk}/{token}/"]
    links += [f"/invitations/{own.pk}/{'0' * 64}/", f"/invitations/{'9' * 18}/{token}/"]

    answers = [Client().get(link) for link in links]
    posted = [Client().post(link, NEW) for link in links]

    assert {one.status_code for one in (*answers, *posted)} == {404}
    assert len({one.content for one in (*answers, *posted)}) == 1
    assert accounts(elsewhere) == accounts(revoked) == accounts(over) == 0


@pytest.mark.parametrize(
    "link", ["/invitations/1/x/", f"/invitations/{'9' * 30}/{'0' * 64}/", "/invitations/0/0/"]
)
def test_a_link_of_another_shape_is_no_page(link: str) -> None:
    assert Client().get(link).status_code == 404


def test_neither_what_the_row_holds_nor_half_a_link_opens_it(own: Organization) -> None:
    invitation = tenancy.invitation(own)
    token = path(invitation).split("/")[3]

    for guess in (invitation.token_digest, invitation.token_seed, token[:63], token.upper()):
        assert Client().get(f"/invitations/{own.pk}/{guess}/").status_code == 404


def test_to_look_at_it_accepts_nothing(own: Organization) -> None:
    invitation = tenancy.invitation(own)
    client = Client()

    for look in (client.get, client.head, client.options):
        look(path(invitation))

    assert nothing_came_of(invitation)


def test_somebody_else_who_is_signed_in_does_not_accept_it(own: Organization) -> None:
    invitation, stranger = tenancy.invitation(own), tenancy.member(tenancy.organization())
    before = members(own)
    client = signed_in(stranger)

    shown = client.get(path(invitation))
    refused = client.post(path(invitation), NEW | {"password": PASSWORD})

    assert (shown.status_code, refused.status_code) == (200, 403)
    assert "Sign out" in shown.content.decode()
    assert nothing_came_of(invitation)
    assert members(own) == before


def test_a_password_given_with_the_link_does_not_replace_that_of_an_account(
    own: Organization,
) -> None:
    known = tenancy.person()
    invitation = tenancy.invitation(own, email=known.email)
    other = "another password entirely"

    Client().post(path(invitation), {"name": "x", "new_password1": other, "new_password2": other})

    known.refresh_from_db()
    assert known.check_password(PASSWORD)
    with at(own):
        assert not Membership.objects.filter(user=known).exists()


def test_the_page_gives_no_more_guesses_than_the_sign_in(own: Organization) -> None:
    known = tenancy.person()
    invitation = tenancy.invitation(own, email=known.email)

    for number in range(TOO_MANY):
        Client().post(path(invitation), {"password": f"guess {number}"})

    assert Client().post(path(invitation), {"password": PASSWORD}).status_code == 429
    with at(own):
        assert not Membership.objects.filter(user=known).exists()


def test_a_spelling_that_finds_another_s_account_makes_nobody_a_member(own: Organization) -> None:
    """PostgreSQL finds an i where an ı was asked for; the mailbox is another's."""
    victim = tenancy.person(email="iris.of.invitations@example.test")
    invitation = tenancy.invitation(own, email="ırıs.of.invitations@example.test")

    Client().post(path(invitation), {"password": PASSWORD})
    signed_in(victim).post(path(invitation))

    with at(own):
        assert not Membership.objects.filter(user=victim).exists()


def test_of_two_who_accept_at_once_one_does(own: Organization) -> None:
    invitation = tenancy.invitation(own)
    before = members(own)

    together(*[lambda: Client().post(path(invitation), NEW).status_code] * 4)

    assert accounts(invitation) == 1
    assert members(own) == before + 1


def test_one_that_is_being_revoked_is_not_accepted_meanwhile(own: Organization) -> None:
    invitation = tenancy.invitation(own)

    with elsewhere() as begin, at(own):
        invitations.revoke(invitation)
        answer = begin(Client().post, path(invitation), NEW)
        until_somebody_waits_for_a_lock()

    assert answer.result().status_code == 404
    assert accounts(invitation) == 0


@pytest.mark.parametrize("lost", ["role", "deactivated", "removed", "closed"])
def test_an_invitation_ends_with_the_right_of_whoever_sent_it(own: Organization, lost: str) -> None:
    inviter = tenancy.member(own, role="admin")
    invitation = tenancy.invitation(own, by=inviter)
    with at(own):
        membership = Membership.objects.get(user=inviter)
        match lost:
            case "role":
                changes.update(membership, role="editor")
            case "deactivated":
                changes.update(membership, deactivated_at=invitation.created_at)
            case "removed":
                changes.delete(membership)
            case "closed":
                inviter.is_active = False
                inviter.save()

    assert Client().post(path(invitation), NEW).status_code == 404
    assert nothing_came_of(invitation)


def test_a_deactivated_member_does_not_come_back_by_an_old_link(own: Organization) -> None:
    person = tenancy.person()
    invitation = tenancy.invitation(own, email=person.email)
    tenancy.member(own, user=person)
    with at(own):
        membership = Membership.objects.get(user=person)
        changes.update(membership, deactivated_at=invitation.created_at)

    assert signed_in(person).post(path(invitation)).status_code == 404

    with at(own):
        assert Membership.objects.get(user=person).deactivated_at


def test_a_page_of_another_site_cannot_accept_for_somebody(own: Organization) -> None:
    person = tenancy.member(tenancy.organization())
    invitation = tenancy.invitation(own, email=person.email)
    client = Client(enforce_csrf_checks=True)
    client.force_login(person, backend="django.contrib.auth.backends.ModelBackend")

    assert client.post(path(invitation)).status_code == 403
    with at(own):
        assert not Membership.objects.filter(user=person).exists()


def test_names_that_are_markup_are_text_on_the_page() -> None:
    evil = "\"'><svg onload=alert(1)>"
    invitation = tenancy.invitation(tenancy.organization(evil), name=evil)

    stranger = Client().get(path(invitation)).content.decode()
    other = signed_in(tenancy.member(tenancy.organization())).get(path(invitation))

    assert "svg onload" in stranger
    assert "<svg onload" not in stranger + other.content.decode()


def test_the_link_is_kept_from_caches_and_from_where_one_goes_next(own: Organization) -> None:
    shown = Client().get(path(tenancy.invitation(own)))

    assert "no-store" in shown["Cache-Control"]
    assert shown["Referrer-Policy"] == "same-origin"


def test_an_inviter_who_has_the_right_again_brings_nobody_beyond_the_seats(
    own: Organization,
) -> None:
    """While the inviter had lost it, the invitation took no seat, and another one did."""
    admin, other = (tenancy.member(own, role="admin") for _ in range(2))
    with at(own):
        changes.update(own, seat_limit=3)
    early = tenancy.invitation(own, by=admin)
    with at(own):
        membership = Membership.objects.get(user=admin, organization=own)
        changes.update(membership, role="viewer")
    assert Client().get(path(early)).status_code == 404
    late = tenancy.invitation(own, by=other)
    with at(own):
        changes.update(membership, role="admin")

    refused = Client().post(path(early), NEW)

    assert refused.status_code == 409
    assert members(own) == 2
    assert nothing_came_of(early)
    with at(own):
        changes.update(early, state="revoked")
    assert Client().post(path(late), NEW).status_code == 302
    assert members(own) == 3
