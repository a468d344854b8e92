"""Guessing passwords, and where a sign-in leads afterwards."""

from itertools import cycle
from uuid import uuid4

import pytest
from django.test import Client
from django.urls import reverse

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
