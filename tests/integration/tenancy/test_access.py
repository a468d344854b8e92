"""The table of rights: who may do what, in whose organization."""

import pytest
from django.utils import timezone

from tenancy import changes
from tenancy.access import Permission, granted, may, organizations_of, permissions_of, require
from tenancy.acting import Actor
from tenancy.errors import AccessDenied
from tenancy.models import Membership, Organization, Role, ServiceAccount
from tenancy.scope import operator_scope, scope
from tests import factories

pytestmark = pytest.mark.django_db

VIEWER = {
    "organization.view",
    "project.view",
    "mission.view",
    "collaborator.view",
    "template.view",
    "delivery.view",
    "job.view",
    "transfer.view",
}
EDITOR = VIEWER | {"project.edit", "mission.edit", "transfer.import", "transfer.export"}
OWNER = {permission.value for permission in Permission} - {"queue.manage"}
ADMIN = OWNER - {"organization.manage"}
TABLE = {"viewer": VIEWER, "editor": EDITOR, "admin": ADMIN, "owner": OWNER}
"""Written out once more on purpose: a change of rights must be made twice."""

SYSTEM = {"project.view", "mission.view", "collaborator.view", "template.view", "delivery.view"}


def rights(actor: Actor, organization: Organization) -> set[str]:
    """All that `may` grants, asked one by one."""
    return {one.value for one in Permission if may(actor, one, organization)}


def test_every_role_is_in_the_table() -> None:
    assert TABLE.keys() == set(Role.values)


@pytest.mark.parametrize(("role", "expected"), TABLE.items(), ids=TABLE.keys())
def test_a_member_may_what_the_role_says_and_nothing_more(role: str, expected: set[str]) -> None:
    organization = factories.organization()
    person = factories.member(organization, role)

    with scope(organization):
        assert rights(Actor.user(person.pk), organization) == expected


@pytest.mark.parametrize(("role", "expected"), TABLE.items(), ids=TABLE.keys())
def test_a_service_account_may_what_its_role_says(role: str, expected: set[str]) -> None:
    organization = factories.organization()
    account = factories.service_account(organization, role)

    with scope(organization):
        assert rights(Actor.service(account.pk), organization) == expected


@pytest.mark.parametrize(("role", "expected"), TABLE.items(), ids=TABLE.keys())
def test_in_a_suspended_organization_reading_is_all_that_is_left(
    role: str, expected: set[str]
) -> None:
    organization = factories.organization()
    person = factories.member(organization, role)

    with scope(organization):
        changes.update(organization, state="suspended")
        found = rights(Actor.user(person.pk), organization)

    assert found == {one for one in expected if one.endswith(".view")}


def test_an_organization_at_hand_may_be_older_than_its_suspension() -> None:
    organization = factories.organization()
    person = factories.member(organization, "owner")
    at_hand = Organization(pk=organization.pk, state="active")

    with scope(organization):
        changes.update(organization, state="suspended")
        assert not may(Actor.user(person.pk), Permission.MISSION_EDIT, at_hand)


def test_an_operator_may_all_in_a_suspended_organization_too() -> None:
    organization = factories.organization(state="suspended")
    operator = factories.operator()

    with operator_scope("a look"):
        assert rights(Actor.operator(operator.pk), organization) == OWNER | {"queue.manage"}


@pytest.mark.parametrize("lost", [{"is_active": False}, {"is_superuser": False}])
def test_an_operator_who_is_none_any_more_may_nothing(lost: dict[str, bool]) -> None:
    organization = factories.organization()
    operator = factories.operator(**lost)

    with operator_scope("a look"):
        assert rights(Actor.operator(operator.pk), organization) == set()


def test_who_runs_the_site_has_as_a_user_the_rights_of_a_member_only() -> None:
    organization = factories.organization()
    operator = factories.operator()

    with scope(organization):
        assert rights(Actor.user(operator.pk), organization) == set()


def test_the_system_may_read_what_it_tells_of() -> None:
    organization = factories.organization()

    with scope(organization):
        assert rights(Actor.system(), organization) == SYSTEM


def test_a_person_who_was_locked_out_may_nothing() -> None:
    organization = factories.organization()
    person = factories.member(organization, "owner", is_active=False)

    with scope(organization):
        assert rights(Actor.user(person.pk), organization) == set()


def test_a_disabled_service_account_may_nothing() -> None:
    organization = factories.organization()
    account = factories.service_account(organization, "owner")

    with scope(organization):
        changes.update(account, disabled_at=timezone.now())
        assert rights(Actor.service(account.pk), organization) == set()


def test_a_membership_that_ended_gives_nothing() -> None:
    organization = factories.organization()
    person = factories.member(organization, "owner")

    with scope(organization):
        changes.delete(Membership.objects.get(user=person))
        assert rights(Actor.user(person.pk), organization) == set()


def test_a_deactivated_membership_gives_nothing_until_it_is_reactivated() -> None:
    organization = factories.organization()
    person = factories.member(organization, "owner")

    with scope(organization):
        membership = Membership.objects.get(user=person)
        changes.update(membership, deactivated_at=timezone.now())
        away = rights(Actor.user(person.pk), organization), organizations_of(person)
        changes.update(membership, deactivated_at=None)
        back = rights(Actor.user(person.pk), organization), organizations_of(person)

    assert away == (set(), [])
    assert back == (OWNER, [organization.pk])


def test_a_lowered_role_counts_at_once() -> None:
    organization = factories.organization()
    person = factories.member(organization, "owner")

    with scope(organization):
        changes.update(Membership.objects.get(user=person), role="viewer")
        assert rights(Actor.user(person.pk), organization) == VIEWER


def test_the_role_in_one_organization_gives_nothing_in_another() -> None:
    mine, other = factories.organization(), factories.organization()
    person = factories.member(mine, "owner")
    factories.member(other, "viewer", user=person)
    actor = Actor.user(person.pk)

    with scope([mine, other]):
        assert rights(actor, mine) == OWNER
        assert rights(actor, other) == VIEWER


def test_a_service_account_gives_nothing_in_another_organization() -> None:
    account, other = factories.service_account(role="owner"), factories.organization()

    with scope([account.organization_id, other]):
        assert rights(Actor.service(account.pk), other) == set()


def test_user_and_service_account_of_one_number_are_not_taken_for_each_other() -> None:
    organization = factories.organization()
    person = factories.member(organization, "owner")
    number = ServiceAccount.objects.model(pk=person.pk).pk

    with scope(organization):
        assert rights(Actor.service(number), organization) == set()


@pytest.mark.parametrize("kind", ["user", "operator", "service"])
def test_an_actor_without_a_number_may_nothing(kind: str) -> None:
    organization = factories.organization()

    with scope(organization):
        assert permissions_of(Actor(kind), organization.pk) == frozenset()  # type: ignore[arg-type]


@pytest.mark.parametrize("actor", [Actor.system(), Actor.user(1)])
def test_outside_its_scope_an_organization_is_nobodys(actor: Actor) -> None:
    mine, other = factories.organization(), factories.organization()
    theirs = factories.mission(factories.project(other))

    with scope(mine):
        for thing in (other, other.pk, theirs):
            assert not may(actor, Permission.MISSION_VIEW, thing)


def test_the_organization_of_a_thing_is_the_one_in_its_row() -> None:
    mission = factories.mission()
    editor = factories.member(mission.organization)

    with scope(mission.organization):
        assert may(Actor.user(editor.pk), Permission.MISSION_EDIT, mission)
        assert not may(Actor.user(editor.pk), Permission.JOB_MANAGE, mission)


def test_what_is_not_allowed_raises_with_what_was_asked() -> None:
    mission = factories.mission()

    with scope(mission.organization), pytest.raises(AccessDenied) as refused:
        require(Actor.user(7), Permission.MISSION_EDIT, mission)

    assert refused.value.actor == "user:7"
    assert refused.value.permission == "mission.edit"
    assert refused.value.thing == f"mission {mission.pk}"


def test_granted_takes_the_state_that_it_is_given() -> None:
    organization = factories.organization()
    person = factories.member(organization, "owner")
    suspended = Organization(pk=organization.pk, state="suspended")

    with scope(organization):
        held = granted(Actor.user(person.pk), suspended)

    assert all(permission.only_reads for permission in held)


def test_a_person_finds_their_organizations_before_any_scope() -> None:
    person = factories.member()
    second = factories.organization()
    factories.member(second, user=person)
    factories.member(second)

    found = organizations_of(person)

    assert len(found) == 2
    assert second.pk in found
