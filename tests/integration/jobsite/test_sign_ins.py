"""Who signed in, who tried to, and who chose a password: in the audit log."""

import re
from uuid import uuid4

import pytest
from django.core import mail
from django.db import transaction
from django.test import Client
from django.urls import reverse

from audit.models import AuditEvent
from tenancy.models import SITE_ORGANIZATION_ID, Organization, User
from tenancy.scope import scope
from tests.factories import PASSWORD, tenancy

pytestmark = pytest.mark.django_db(transaction=True)


def events(person: User, organization: int | Organization) -> list[tuple[str, str, str]]:
    with scope(organization), transaction.atomic():
        rows = AuditEvent.objects.filter(target_type="user", target_id=str(person.pk))
        return list(rows.order_by("id").values_list("action", "actor", "outcome"))


def sign_in(client: Client, person: User, password: str = PASSWORD) -> None:
    client.post(reverse("admin:login"), {"username": person.email, "password": password})


def ask_for_link(person: User) -> None:
    Client().post(reverse("password_forgotten"), {"email": person.email})


def test_signing_in_and_out_is_in_the_log_of_each_organization() -> None:
    ours, theirs = tenancy.organization(), tenancy.organization()
    person = tenancy.member(ours)
    tenancy.member(theirs, user=person)
    client = Client()

    sign_in(client, person)
    client.post(reverse("admin:logout"))

    actor = f"user:{person.pk}"
    expected = [
        ("person.signed_in", actor, "success"),
        ("person.signed_out", actor, "success"),
    ]
    assert events(person, ours) == events(person, theirs) == expected


def test_an_operators_sign_in_is_in_the_sites_own_log() -> None:
    operator = tenancy.operator()

    sign_in(Client(), operator)

    signed_in = ("person.signed_in", f"operator:{operator.pk}", "success")
    assert events(operator, SITE_ORGANIZATION_ID) == [signed_in]


def test_a_guesser_fills_no_log() -> None:
    organization = tenancy.organization()
    person = tenancy.member(organization)

    for number in range(3):
        sign_in(Client(), person, f"guess {number}")

    assert events(person, organization) == [("person.sign_in_failed", "system", "denied")]


def test_a_locked_door_is_told_of() -> None:
    organization = tenancy.organization()
    person = tenancy.member(organization)

    for number in range(11):
        sign_in(Client(), person, f"guess {number}")

    assert ("person.locked_out", "system", "denied") in events(person, organization)


def test_a_password_that_is_chosen_by_a_link_is_told_of() -> None:
    organization = tenancy.organization()
    person = tenancy.member(organization)
    client = Client()

    ask_for_link(person)
    [link] = re.findall(r"https?://[^/]+(\S+)", mail.outbox[-1].body)
    form = client.get(link, follow=True).redirect_chain[-1][0]
    new = f"pass {uuid4().hex}"
    client.post(form, {"new_password1": new, "new_password2": new})

    assert [action for action, _, _ in events(person, organization)] == [
        "person.password_asked_for",
        "person.password_chosen",
    ]


def test_a_link_that_is_asked_for_again_and_again_is_sent_once() -> None:
    person = tenancy.member(tenancy.organization())

    for _ in range(3):
        ask_for_link(person)

    assert [message.to for message in mail.outbox] == [[person.email]]
