"""Members and service accounts, as an organization's own people manage them."""

import re
from dataclasses import dataclass, field

import pytest
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

    def state(self, of: User) -> str:
        found = self.membership(of)
        assert found
        return "deactivated" if found.deactivated_at else "active"


@pytest.fixture
def house() -> House:
    return House()


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


def test_nobody_takes_rights_from_themselves(house: House) -> None:
    tenancy.member(house.own, role="owner")
    client = signed_in(house.owner)

    demoted = client.post(house.address(house.owner), {"role": "viewer"})
    client.post(house.address(house.owner, "deactivate"), {"reason": "on leave"})
    client.post(house.address(house.owner, "delete"), {"post": "yes"})

    assert "from themselves" in demoted.content.decode()
    assert (house.role(house.owner), house.state(house.owner)) == ("owner", "active")


def test_a_deactivated_member_is_kept_with_the_role_and_can_come_back(house: House) -> None:
    editor = tenancy.member(house.own, role="editor")
    client = signed_in(house.admin)

    said = client.post(house.address(editor, "deactivate"), {"reason": "on leave"}, follow=True)
    away = house.state(editor), house.role(editor)
    client.post(house.address(editor, "reactivate"), {"reason": "is back"})

    assert "is deactivated" in said.content.decode()
    assert away == ("deactivated", "editor")
    assert (house.state(editor), house.role(editor)) == ("active", "editor")
    with jobs.at(house.own):
        told = AuditEvent.objects.filter(target_type="membership").order_by("id")
        assert [one.action for one in told][-2:] == [
            "membership.deactivated",
            "membership.reactivated",
        ]
        assert "on leave" in told[len(told) - 2].event


def test_an_admin_deactivates_no_owner_and_nobody_the_last_one(house: House) -> None:
    for person, said in ((house.admin, "above your own"), (tenancy.operator(), "at least one")):
        address = house.address(house.owner, "deactivate")

        answer = signed_in(person).post(address, {"reason": "x"}, follow=True)

        assert said in answer.content.decode()
        assert house.state(house.owner) == "active"


def test_an_owner_whose_account_is_closed_does_not_count_as_the_one_who_stays(
    house: House,
) -> None:
    tenancy.member(house.own, role="owner", is_active=False)

    answer = signed_in(tenancy.operator()).post(house.address(house.owner), {"role": "admin"})

    assert "at least one owner" in answer.content.decode()
    assert house.role(house.owner) == "owner"


def test_a_changed_role_has_a_word_of_its_own_in_the_log(house: House) -> None:
    editor = tenancy.member(house.own, role="editor")

    signed_in(house.admin).post(house.address(editor), {"role": "viewer"})

    assert house.role(editor) == "viewer"
    with jobs.at(house.own):
        told = AuditEvent.objects.filter(target_type="membership").latest("id")
        assert told.action == "membership.role_changed"


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
