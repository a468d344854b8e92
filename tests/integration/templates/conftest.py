"""One organization with an admin, in scope and acting, for the tests of templates."""

from collections.abc import Iterator

import pytest
from django.db import transaction

from tenancy.acting import Actor, acting
from tenancy.models import Organization, Role
from tenancy.scope import scope
from tests import factories


@pytest.fixture
def organization(db: None) -> Organization:
    return factories.organization(time_zone="Europe/Zurich")


@pytest.fixture
def admin(organization: Organization) -> Actor:
    return Actor.user(factories.member(organization, Role.ADMIN, name="Ada Lovelace").pk)


@pytest.fixture
def viewer(organization: Organization) -> Actor:
    return Actor.user(factories.member(organization, Role.VIEWER).pk)


@pytest.fixture
def at_work(organization: Organization, admin: Actor) -> Iterator[Organization]:
    """The admin is acting, inside the organization's scope."""
    with acting(admin, source="admin"), scope(organization), transaction.atomic():
        yield organization
