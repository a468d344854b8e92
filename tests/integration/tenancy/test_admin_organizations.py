"""The page of an organization: suspended and resumed by operators, with a reason."""

import pytest
from django.urls import reverse

from audit.models import AuditEvent
from tenancy.models import Organization
from tests.factories import jobs, tenancy
from tests.factories.admin import signed_in

pytestmark = pytest.mark.django_db(transaction=True)


def address(organization: Organization, page: str) -> str:
    return reverse(f"admin:tenancy_organization_{page}", args=[organization.pk])


def state_of(organization: Organization) -> str:
    with jobs.at(organization):
        return Organization.objects.get(pk=organization.pk).state


def test_an_operator_suspends_with_a_reason_that_the_organization_reads() -> None:
    own = tenancy.organization()

    signed_in(tenancy.operator()).post(address(own, "suspend"), {"reason": "unpaid since May"})

    assert state_of(own) == "suspended"
    with jobs.at(own):
        event = AuditEvent.objects.get(action="organization.changed")
    assert "unpaid since May" in event.event


def test_without_a_reason_nothing_happens() -> None:
    own = tenancy.organization()

    shown = signed_in(tenancy.operator()).post(address(own, "suspend"), {"reason": " "})

    assert state_of(own) == "active"
    assert "required" in shown.content.decode()


def test_a_suspended_organization_is_resumed() -> None:
    own = tenancy.organization(state="suspended")

    signed_in(tenancy.operator()).post(address(own, "resume"), {"reason": "paid"})

    assert state_of(own) == "active"


def test_an_owner_cannot_suspend_or_resume() -> None:
    own = tenancy.organization(state="suspended")
    owner = signed_in(tenancy.member(own, role="owner"))

    refused = owner.post(address(own, "resume"), {"reason": "please"})

    assert refused.status_code == 403
    assert state_of(own) == "suspended"


def test_members_of_a_suspended_organization_only_read() -> None:
    own = tenancy.organization(state="suspended")
    project = tenancy.project(own)
    admin = signed_in(tenancy.member(own, role="admin"))
    page = reverse("admin:tenancy_project_change", args=[project.pk])

    assert admin.get(page).status_code == 200
    assert admin.post(page, {"code": "X", "name": "X", "state": "active"}).status_code == 403


def test_the_site_itself_is_no_organization() -> None:
    operator = signed_in(tenancy.operator())

    assert operator.get(reverse("admin:tenancy_organization_change", args=[0])).status_code == 404
