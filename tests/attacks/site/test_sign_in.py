"""Guessing passwords, and where a sign-in leads afterwards."""

from itertools import cycle
from uuid import uuid4

import pytest
from django.core import mail
from django.db import transaction
from django.test import Client
from django.urls import reverse

from audit.models import AuditEvent
from tenancy.models import SITE_ORGANIZATION_ID
from tenancy.scope import scope
from tests.factories import PASSWORD, tenancy

pytestmark = pytest.mark.django_db(transaction=True)

TOO_MANY = 10


def signs_in(email: str, password: str, **query: str) -> int:
    address = reverse("admin:login", query=query)
    return Client().post(address, {"username": email, "password": password} | query).status_code


@pytest.mark.parametrize("other", ["ı", "ſ", "I", "S"])
def test_another_spelling_of_an_address_is_no_new_chance(other: str) -> None:
    person = tenancy.member(tenancy.organization(), email=f"iris.simis.{uuid4().hex}@a.test")
    letter = {"ı": "i", "I": "i", "ſ": "s", "S": "s"}[other]
    spellings = [person.email.replace(letter, other, count) for count in range(4)]

    for number, spelling in zip(range(TOO_MANY), cycle(spellings), strict=False):
        signs_in(spelling, f"guess {number}")

    assert signs_in(person.email, PASSWORD) == 429


@pytest.mark.parametrize(
    "elsewhere",
    [
        *("//evil.example", "https://evil.example/", "///evil.example", "http:///evil.example"),
        *("/\\evil.example", "\\\\evil.example", "\t//evil.example", "javascript:alert(1)"),
    ],
)
def test_a_sign_in_leads_nowhere_else(elsewhere: str) -> None:
    person = tenancy.member(tenancy.organization())
    client = Client()
    address = reverse("admin:login", query={"next": elsewhere})

    entered = client.post(
        address, {"username": person.email, "password": PASSWORD, "next": elsewhere}
    )
    again = client.get(address)

    assert (entered.status_code, entered["Location"]) == (302, reverse("admin:index"))
    assert again["Location"] == reverse("admin:index")


def test_who_is_signed_in_has_no_more_guesses_than_anybody() -> None:
    guesser, operator = Client(), tenancy.operator()
    member = tenancy.member(tenancy.organization())
    guesser.post(reverse("admin:login"), {"username": member.email, "password": PASSWORD})

    def guess(password: str) -> int:
        typed = {"username": operator.email, "password": password}
        return guesser.post(reverse("admin:login"), typed).status_code

    assert {guess(f"guess {number}") for number in range(TOO_MANY - 1)} == {200}
    assert guess("the last one") == 429
    assert guess(PASSWORD) == 429
    with scope(SITE_ORGANIZATION_ID), transaction.atomic():
        told = AuditEvent.objects.filter(target_type="user", target_id=str(operator.pk))
        assert {event.action for event in told} == {"person.sign_in_failed", "person.locked_out"}


def test_who_is_signed_in_may_sign_in_as_somebody_else() -> None:
    client = Client()
    one, other = (tenancy.member(tenancy.organization()) for _ in range(2))
    for person in (one, other):
        client.post(reverse("admin:login"), {"username": person.email, "password": PASSWORD})

    assert client.session["_auth_user_id"] == str(other.pk)


def test_who_is_signed_in_may_ask_for_a_link_to_another_account() -> None:
    client = Client()
    one, other = (tenancy.member(tenancy.organization()) for _ in range(2))
    client.post(reverse("admin:login"), {"username": one.email, "password": PASSWORD})

    answer = client.post(reverse("password_forgotten"), {"email": other.email})

    assert answer.status_code == 302
    assert [one.to for one in mail.outbox] == [[other.email]]
