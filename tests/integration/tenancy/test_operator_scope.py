"""Looking across organizations: for the platform only, with a reason, and recorded."""

import json
from datetime import timedelta

import pytest
from django.conf import LazySettings

from audit.models import AuditEvent
from tenancy.acting import Actor, Source, acting
from tenancy.errors import AccessDenied
from tenancy.models import SITE_ORGANIZATION_ID, Organization, Project
from tenancy.scope import operator_scope, report_look, scope
from tests import factories

pytestmark = pytest.mark.django_db


def looks(organization_id: int, reason: str) -> int:
    """How often the organization's log tells of a look for this reason."""
    with operator_scope("count"):
        events = AuditEvent.objects.filter(
            organization_id=organization_id, action="operator.scope_opened"
        )
        return sum(json.loads(one.event)["detail"]["reason"] == reason for one in events)


@pytest.mark.parametrize(
    ("actor", "source"),
    [
        (Actor.user(1), "admin"),
        (Actor.user(1), "command"),
        (Actor.service(1), "api"),
        (Actor.system(), "worker"),
        (Actor.system(), "web"),
    ],
)
def test_a_scope_over_all_is_refused_to_whoever_is_not_the_platform(
    actor: Actor, source: Source
) -> None:
    with acting(actor, source=source), pytest.raises(AccessDenied):
        operator_scope("curious").__enter__()


@pytest.mark.parametrize("process", ["web", "worker"])
def test_code_of_a_server_process_that_named_nobody_is_not_the_platform(
    process: str, settings: LazySettings
) -> None:
    settings.PROCESS = process

    with pytest.raises(AccessDenied):
        operator_scope("forgotten").__enter__()


@pytest.mark.parametrize("reason", ["", "   "])
def test_a_look_needs_a_reason(reason: str) -> None:
    with pytest.raises(ValueError, match="reason"):
        operator_scope(reason).__enter__()


def test_a_look_across_organizations_is_in_the_log_of_the_site() -> None:
    operator = factories.operator()

    with acting(Actor.operator(operator.pk), source="admin"), operator_scope("stuck jobs"):
        pass

    assert looks(SITE_ORGANIZATION_ID, "stuck jobs") == 1


def test_a_look_into_one_organization_is_in_its_own_log_too() -> None:
    one, other = factories.organization(), factories.organization()

    with operator_scope("ticket 12", one):
        pass

    assert looks(one.pk, "ticket 12") == looks(SITE_ORGANIZATION_ID, "ticket 12") == 1
    assert looks(other.pk, "ticket 12") == 0


def test_a_page_that_refreshes_itself_is_one_look() -> None:
    for _ in range(3):
        with operator_scope("GET /admin/", quiet_for=timedelta(minutes=10)):
            pass
    with operator_scope("GET /admin/jobs/", quiet_for=timedelta(minutes=10)):
        pass

    assert looks(SITE_ORGANIZATION_ID, "GET /admin/") == 1
    assert looks(SITE_ORGANIZATION_ID, "GET /admin/jobs/") == 1


def test_the_same_page_opened_by_another_operator_is_another_look() -> None:
    for operator in (factories.operator(), factories.operator()):
        with (
            acting(Actor.operator(operator.pk), source="admin"),
            operator_scope("GET /admin/", quiet_for=timedelta(minutes=10)),
        ):
            pass

    assert looks(SITE_ORGANIZATION_ID, "GET /admin/") == 2


def test_a_page_that_learns_later_whose_row_it_shows_tells_then() -> None:
    one = factories.organization()

    with operator_scope("GET /admin/", quiet_for=timedelta(minutes=10)):
        report_look("mission 7", one, quiet_for=timedelta(minutes=10))

    assert looks(one.pk, "mission 7") == 1


def test_in_a_scope_of_organizations_there_is_no_look_to_tell() -> None:
    one = factories.organization()

    with scope(one):
        report_look("my own mission", one)

    assert looks(one.pk, "my own mission") == 0


def test_no_member_can_open_the_log_of_the_site() -> None:
    member = factories.member()

    with scope([]):
        assert not AuditEvent.objects.filter(organization_id=SITE_ORGANIZATION_ID).exists()
        assert not Organization.objects.filter(pk=SITE_ORGANIZATION_ID).exists()
        assert not Project.objects.exists()
    assert member.memberships is not None
