"""One organization with an admin, in scope and acting, for the tests of templates."""

import secrets
from collections.abc import Iterator

import pytest
from django.db import transaction

from tenancy import changes
from tenancy.acting import Actor, acting
from tenancy.models import Membership, Organization, Role, User
from tenancy.scope import operator_scope, scope


def new_organization(**values: str) -> Organization:
    """An organization of its own for one test; the platform makes it."""
    name = secrets.token_hex(4)
    with acting(Actor.system(), source="command"), operator_scope("test set-up"):
        return changes.create(Organization(name=f"Test {name}", slug=name, **values))


def new_member(organization: Organization, role: str) -> Actor:
    """A person with this role."""
    person = User.objects.create(email=f"{secrets.token_hex(4)}@example.org", name="Ada Lovelace")
    with acting(Actor.system(), source="command"), operator_scope("test set-up"):
        changes.create(Membership(organization=organization, user=person, role=role))
    return Actor.user(person.pk)


@pytest.fixture
def organization(db: None) -> Organization:
    return new_organization(time_zone="Europe/Zurich")


@pytest.fixture
def admin(organization: Organization) -> Actor:
    return new_member(organization, Role.ADMIN)


@pytest.fixture
def viewer(organization: Organization) -> Actor:
    return new_member(organization, Role.VIEWER)


@pytest.fixture
def at_work(organization: Organization, admin: Actor) -> Iterator[Organization]:
    """The admin is acting, inside the organization's scope."""
    with acting(admin, source="admin"), scope(organization), transaction.atomic():
        yield organization
