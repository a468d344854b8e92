"""Members and service accounts, as an organization's own people manage them."""

import re
from dataclasses import dataclass, field

import pytest
from django.core import mail
from django.test import Client
from django.urls import reverse

from audit.models import AuditEvent
from tenancy import tokens
from tenancy.models import Membership, Organization, ServiceAccount, User
from tests.factories import jobs, tenancy
from tests.factories.admin import signed_in

pytestmark = pytest.mark.django_db(transaction=True)

MEMBERS = "admin:tenancy_membership"
ACCOUNTS = "admin:tenancy_serviceaccount"


@dataclass
class House:
    own: Organization = field(default_factory=tenancy.organization)

    def __post_init__(self) -> None:
        self.owner = tenancy.member(self.own, role="owner")
        self.admin = tenancy.member(self.own, role="admin")

    def membership(self, of: User) -> Membership | None:
        with jobs.at(self.own):
            return Membership.objects.filter(organization=self.own, user=of).first()

    def role(self, of: User) -> str:
        found = self.membership(of)
        return found.role if found else ""

    def address(self, of: User, page: str = "change") -> str:
        found = self.membership(of)
        assert found
        return reverse(f"{MEMBERS}_{page}", args=[found.pk])


@pytest.fixture
def house() -> House:
    mail.outbox.clear()
    return House()


def add(client: Client, email: str, role: str) -> str:
    response = client.post(reverse(f"{MEMBERS}_add"), {"email": email, "role": role}, follow=True)
    return response.content.decode()


def test_a_stranger_who_is_added_gets_a_mail_to_choose_a_password(house: House) -> None:
    add(signed_in(house.admin), "new@example.test", "editor")

    person = User.objects.get(email="new@example.test")
    assert house.role(person) == "editor"
    [invitation] = mail.outbox
    assert invitation.to == ["new@example.test"]
    link = re.search(r"/admin/password/choose/\S+", str(invitation.body))
    assert link
    assert Client().get(link[0], follow=True).status_code == 200


def test_somebody_with_an_account_is_added_under_it_and_gets_no_mail(house: House) -> None:
    known = tenancy.person(email="Known@example.test")

    add(signed_in(house.admin), "known@EXAMPLE.test", "viewer")

    assert house.role(known) == "viewer"
    assert mail.outbox == []


def test_an_admin_makes_nobody_owner(house: House) -> None:
    shown = add(signed_in(house.admin), "heir@example.test", "owner")

    assert "not one of the available choices" in shown
    assert '<option value="owner"' not in shown
    assert '<option value="admin"' in shown
    assert not User.objects.filter(email="heir@example.test").exists()


def test_an_admin_cannot_demote_or_remove_an_owner(house: House) -> None:
    client = signed_in(house.admin)

    client.post(house.address(house.owner), {"role": "viewer"})
    client.post(house.address(house.owner, "delete"), {"post": "yes"})

    assert house.role(house.owner) == "owner"


def test_the_last_owner_stays_whoever_asks(house: House) -> None:
    for person in (house.owner, tenancy.operator()):
        client = signed_in(person)

        demoted = client.post(house.address(house.owner), {"role": "admin"})
        removed = client.post(house.address(house.owner, "delete"), {"post": "yes"}, follow=True)

        assert "at least one owner" in demoted.content.decode()
        assert "at least one owner" in removed.content.decode()
        assert house.role(house.owner) == "owner"


def test_one_of_two_owners_can_go(house: House) -> None:
    second = tenancy.member(house.own, role="owner")

    signed_in(house.owner).post(house.address(second, "delete"), {"post": "yes"})

    assert house.membership(second) is None


def test_an_editor_sees_no_members(house: House) -> None:
    editor = signed_in(tenancy.member(house.own, role="editor"))

    assert editor.get(reverse(f"{MEMBERS}_changelist")).status_code == 403
    assert editor.get(house.address(house.owner)).status_code == 404


def test_a_token_is_shown_once_and_kept_as_a_digest(house: House) -> None:
    client = signed_in(house.admin)

    made = client.post(reverse(f"{ACCOUNTS}_add"), {"name": "Robot", "role": "editor"})
    waiting = str(dict(client.session)) + str(client.cookies)
    shown = client.get(made["Location"])

    token = re.search(r"cp_[A-Za-z0-9_-]{43}", shown.content.decode())
    assert token
    with jobs.at(house.own):
        account = tokens.account_of(token[0], house.own.pk)
    assert account
    assert account.name == "Robot"
    again = client.get(made["Location"], follow=True)
    assert "cannot be shown again" in again.content.decode()
    assert token[0] not in again.content.decode() + waiting
    assert "no-store" in shown["Cache-Control"]


def test_a_form_that_is_sent_twice_makes_one_account(house: House) -> None:
    client = signed_in(house.admin)
    asked = client.get(reverse(f"{ACCOUNTS}_add"))
    form = {"name": "Robot", "role": "editor", "form_id": asked.context["form_id"]}

    first = client.post(reverse(f"{ACCOUNTS}_add"), form)
    second = client.post(reverse(f"{ACCOUNTS}_add"), form)
    client.get(second["Location"])
    third = client.post(reverse(f"{ACCOUNTS}_add"), form, follow=True)

    assert form["form_id"] in asked.content.decode()
    assert second["Location"] == first["Location"]
    assert "nothing was done again" in third.content.decode()
    with jobs.at(house.own):
        assert ServiceAccount.objects.filter(name="Robot").count() == 1


def test_nobody_else_is_shown_a_token(house: House) -> None:
    made = signed_in(house.admin).post(
        reverse(f"{ACCOUNTS}_add"), {"name": "Robot", "role": "editor"}
    )

    others = signed_in(house.owner).get(made["Location"], follow=True).content.decode()

    assert not re.search(r"cp_[A-Za-z0-9_-]{43}", others)


def test_a_revoked_account_is_refused_and_the_reason_is_kept(house: House) -> None:
    account = tenancy.service_account(house.own)
    address = reverse(f"{ACCOUNTS}_revoke", args=[account.pk])

    signed_in(house.admin).post(address, {"reason": "the laptop was stolen"})

    with jobs.at(house.own):
        assert ServiceAccount.objects.get(pk=account.pk).disabled_at
        event = AuditEvent.objects.filter(target_type="serviceaccount").latest("id")
    assert "the laptop was stolen" in event.event


def test_a_new_token_replaces_the_old_one(house: House) -> None:
    account = tenancy.service_account(house.own)
    old: str = account.token  # type: ignore[attr-defined]
    address = reverse(f"{ACCOUNTS}_new_token", args=[account.pk])

    shown = signed_in(house.admin).post(address, {"reason": "yearly"}, follow=True)

    new = re.search(r"cp_[A-Za-z0-9_-]{43}", shown.content.decode())
    assert new
    with jobs.at(house.own):
        assert tokens.account_of(old, house.own.pk) is None
        assert tokens.account_of(new[0], house.own.pk) == account


def test_an_admin_cannot_touch_an_account_that_may_do_more(house: House) -> None:
    account = tenancy.service_account(house.own, role="owner")
    client = signed_in(house.admin)

    refused = client.post(reverse(f"{ACCOUNTS}_new_token", args=[account.pk]), {"reason": "x"})

    assert refused.status_code == 403
