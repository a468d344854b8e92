"""standing: one statement, and the same judgement as `access`, for every kind of actor."""

import pytest
from django.db import transaction

from tenancy import changes, standing
from tenancy.access import Permission, granted
from tenancy.acting import Actor
from tenancy.models import Role
from tenancy.postgresql.flush import flush
from tenancy.scope import scope
from tests.factories import member, operator, organization, person, project, service_account

pytestmark = pytest.mark.django_db


def question(actor, of, project_id=None) -> standing.Question:
    return standing.Question(actor=actor, organization_id=of.pk, project_id=project_id)


def stand(actor, of, project_id=None) -> standing.Standing:
    with scope(of), transaction.atomic():
        asked = standing.asking([question(actor, of, project_id)])
        return standing.answered(actor, flush(asked)[standing.NAME])


def actors(of):
    gone = member(of, role="owner")
    gone.is_active = False
    gone.save()
    return {
        **{f"a {role}": Actor.user(member(of, role=role).pk) for role in Role.values},
        "a service": Actor(kind="service", id=service_account(of, role="admin").pk),
        "a service elsewhere": Actor(kind="service", id=service_account(role="admin").pk),
        "an inactive owner": Actor.user(gone.pk),
        "an owner elsewhere": Actor.user(member(organization(), role="owner").pk),
        "nobody": Actor.user(person().pk),
        "the system": Actor.system(),
        "an operator": Actor(kind="operator", id=operator().pk),
        "no operator": Actor(kind="operator", id=person().pk),
    }


@pytest.mark.parametrize("state", ["active", "suspended"])
def test_it_judges_as_access_does(state):
    of = organization()
    everybody = actors(of)
    with scope(of), transaction.atomic():
        changes.update(of, state=state)
        expected = {name: granted(actor, of) for name, actor in everybody.items()}

    found = {name: stand(actor, of).permissions for name, actor in everybody.items()}

    assert found == expected
    assert stand(Actor.system(), of).is_active == (state == "active")


def test_a_project_is_the_organization_s_own_or_none():
    of = organization()

    assert stand(Actor.system(), of).has_project
    assert stand(Actor.system(), of, project(of).pk).has_project
    assert not stand(Actor.system(), of, project().pk).has_project


def test_what_cannot_be_seen_has_nothing():
    of, other = organization(), organization()

    with scope(other), transaction.atomic():
        asked = standing.asking([question(Actor.system(), of)])
        found = standing.answered(Actor.system(), flush(asked)[standing.NAME])

    assert (found.is_active, found.permissions) == (False, frozenset())
    assert Permission.MISSION_VIEW in stand(Actor.system(), of).permissions


def test_many_questions_are_answered_each_by_itself():
    of, other = organization(), organization()
    editor, elsewhere = Actor.user(member(of, role="editor").pk), project(other).pk
    asked = [question(editor, of, elsewhere), question(editor, other), question(editor, of)]

    with scope([of, other]), transaction.atomic():
        rows = standing.in_order(flush(standing.asking(asked))[standing.NAME])

    found = [standing.answered(editor, rows[place]) for place in range(3)]
    assert [one.has_project for one in found] == [False, True, True]
    assert [Permission.MISSION_EDIT in one.permissions for one in found] == [True, False, True]


def test_what_cannot_be_seen_among_others_has_no_answer():
    of, hidden = organization(), organization()
    asked = [question(Actor.system(), hidden), question(Actor.system(), of)]

    with scope(of), transaction.atomic():
        rows = standing.in_order(flush(standing.asking(asked))[standing.NAME])

    assert list(rows) == [1]
