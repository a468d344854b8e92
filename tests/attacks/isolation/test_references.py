"""In the scope of A, a row that points at B's is refused, and the refusal tells nothing."""

from collections.abc import Callable
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction

from tenancy import changes
from tenancy.entities import Recorded
from tenancy.models import Assignment, Collaborator, Membership, Mission, Organization, Project
from tenancy.scope import scope
from tests import factories

pytestmark = pytest.mark.django_db

NOWHERE = 2**53 - 1


def refusal(attempt: Callable[[], Any]) -> str:
    """What the database says, without the one number that the caller gave himself."""
    with pytest.raises(IntegrityError) as refused, transaction.atomic():
        attempt()
    return str(refused.value)


def said(attempt: Callable[[int], Any], theirs: int) -> None:
    """Refused alike whether or not the other's row exists."""
    exists = refusal(lambda: attempt(theirs)).replace(str(theirs), "?")
    missing = refusal(lambda: attempt(NOWHERE)).replace(str(NOWHERE), "?")
    assert exists == missing
    assert "same_organization" in exists


def test_a_mission_cannot_be_made_in_a_project_of_another() -> None:
    mine, theirs = factories.organization(), factories.project()

    def attempt(project_id: int) -> None:
        changes.create(Mission(organization=mine, project_id=project_id, reference="x", title="x"))

    with scope(mine):
        said(attempt, theirs.pk)


def test_a_mission_cannot_be_moved_to_a_project_of_another() -> None:
    mission, theirs = factories.mission(), factories.project()

    with scope(mission.organization):
        said(lambda key: changes.update(mission, project_id=key), theirs.pk)


def test_a_person_of_another_cannot_be_assigned() -> None:
    mission, theirs = factories.mission(), factories.collaborator()

    def attempt(collaborator_id: int) -> None:
        changes.create(
            Assignment(
                organization=mission.organization, mission=mission, collaborator_id=collaborator_id
            )
        )

    with scope(mission.organization):
        said(attempt, theirs.pk)


def test_somebody_of_both_organizations_cannot_join_them_by_a_reference() -> None:
    mission, theirs = factories.mission(), factories.project()

    with scope([mission.organization, theirs.organization]):
        said(lambda key: changes.update(mission, project_id=key), theirs.pk)


@pytest.mark.parametrize("others", ["exists", "never was"])
def test_a_row_cannot_be_given_to_another_organization(others: str) -> None:
    project = factories.project()
    other = factories.organization().pk if others == "exists" else NOWHERE

    with (
        scope(project.organization),
        pytest.raises(Exception, match="row-level security policy"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute("UPDATE tenancy_project SET organization_id = %s", [other])


@pytest.mark.parametrize("others", ["exists", "never was"])
def test_a_row_cannot_be_made_in_another_organization(others: str) -> None:
    mine = factories.organization()
    other = factories.organization().pk if others == "exists" else NOWHERE

    with (
        scope(mine),
        pytest.raises(Exception, match="row-level security policy"),
        transaction.atomic(),
    ):
        changes.create(Project(organization_id=other, code="x", name="x"))


def test_a_key_that_another_uses_is_free() -> None:
    theirs = factories.project(code="SAME")
    mine = factories.organization()

    with scope(mine):
        made = changes.create(Project(organization=mine, code="SAME", name="x"))

    assert made.pk != theirs.pk


@pytest.mark.parametrize(
    "make",
    [
        factories.project,
        factories.mission,
        factories.collaborator,
        factories.timeline_entry,
        factories.assignment,
        factories.service_account,
        factories.invitation,
    ],
)
def test_the_row_of_another_cannot_be_changed_or_deleted_by_its_id(
    make: Callable[[], Recorded],
) -> None:
    theirs, mine = make(), factories.organization()
    model: Any = type(theirs)

    with scope(mine):
        for organization_id in (mine.pk, theirs.organization_id):
            forged = model(pk=theirs.pk, organization_id=organization_id)
            with pytest.raises(model.DoesNotExist):
                changes.update(forged, **{model.audited[0]: "x"})
            with pytest.raises(model.DoesNotExist):
                changes.delete(forged)


def test_rows_of_another_are_not_there_for_any_statement() -> None:
    theirs, mine = factories.mission(title="Theirs"), factories.organization()
    statements = [
        "SELECT id FROM tenancy_mission WHERE id = %s",
        "SELECT id FROM tenancy_mission WHERE id = %s FOR UPDATE",
        "UPDATE tenancy_mission SET title = 'x' WHERE id = %s RETURNING id",
        "DELETE FROM tenancy_mission WHERE id = %s RETURNING id",
        "SELECT 1 FROM tenancy_mission WHERE id = %s AND 1 / (id - id) > 0",
    ]

    with scope(mine), connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement, [theirs.pk])
            assert cursor.fetchall() == [], statement

    with scope(theirs.organization):
        assert Mission.objects.get(pk=theirs.pk).title == "Theirs"


def test_a_membership_gives_no_sight_of_those_of_others() -> None:
    mine = factories.organization()
    person = factories.member(mine)
    factories.member(factories.organization(), user=person)

    with scope(mine):
        assert person.memberships.count() == 1
        assert Membership.objects.count() == 1


def test_a_person_of_both_is_two_people_on_two_rosters() -> None:
    person = factories.person()
    mine = factories.organization()
    factories.collaborator(mine, user=person)
    factories.collaborator(factories.organization(), user=person)

    with scope(mine):
        assert Collaborator.objects.filter(user=person).count() == 1
        assert Organization.objects.count() == 1
