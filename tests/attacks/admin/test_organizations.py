"""What an owner could learn of other organizations from their own page."""

import pytest
from django.urls import reverse

from tenancy.models import Organization, Role
from tests.factories import tenancy
from tests.factories.admin import signed_in
from tests.factories.jobs import at

pytestmark = pytest.mark.django_db(transaction=True)


def test_an_owner_cannot_try_which_slugs_are_taken() -> None:
    own, other = tenancy.organization(), tenancy.organization()
    owner = signed_in(tenancy.member(own, role=Role.OWNER))
    address = reverse("admin:tenancy_organization_change", args=[own.pk])
    form = {"name": "New name", "time_zone": "UTC", "locale": "en"}

    answers = [owner.post(address, form | {"slug": slug}) for slug in (other.slug, "free-slug")]

    assert [answer.status_code for answer in answers] == [302, 302]
    with at(own):
        after = Organization.objects.get(pk=own.pk)
    assert (after.name, after.slug) == ("New name", own.slug)


def test_an_operator_changes_a_slug() -> None:
    own = tenancy.organization()
    address = reverse("admin:tenancy_organization_change", args=[own.pk])
    form = {"name": own.name, "slug": f"{own.slug}-new", "time_zone": "UTC", "locale": "en"}

    signed_in(tenancy.operator()).post(address, form)

    with at(own):
        assert Organization.objects.get(pk=own.pk).slug == f"{own.slug}-new"
