"""standing: one statement, and the same judgement as `access`, for every kind of actor."""

import pytest
from django.db import transaction

from tenancy import changes, clock, standing
from tenancy.access import Permission, granted
from tenancy.acting import Actor
from tenancy.models import Role
from tenancy.postgresql.flush import Statement, flush
from tenancy.scope import scope
from tests.factories import member, operator, organization, person, project, service_account

pytestmark = pytest.mark.django_db


ASKED = """
    SELECT * FROM unnest(
        %(organization_ids)s::bigint[], %(project_ids)s::bigint[], %(kinds)s::text[],
        %(actor_ids)s::bigint[]
    ) WITH ORDINALITY AS q (organization_id, project_id, kind, actor_id, ordinal)
"""


def ask(*questions):
    """The rows of each of (actor, organization, project's id), by its place."""
    whom, where, what = zip(*questions, strict=True)
    parameters = {
        "organization_ids": [of.pk for of in where],
        "project_ids": list(what),
        "kinds": [actor.kind for actor in whom],
        "actor_ids": [actor.id for actor in whom],
    }
    asked = Statement(name="asked", sql=standing.query(ASKED), parameters=parameters)
    return standing.in_order(flush(asked)["asked"])


def stand(actor, of, project_id=None) -> standing.Standing:
    with scope(of), transaction.atomic():
        return standing.answered(actor, ask((actor, of, project_id))[0])


def actors(of):
    gone = member(of, role="owner")
    gone.is_active = False
    gone.save()
    away = member(of, role="owner")
    with scope(of), transaction.atomic():
        changes.update(away.memberships.get(), deactivated_at=clock.now())
    return {
        **{f"a {role}": Actor.user(member(of, role=role).pk) for role in Role.values},
        "a service": Actor(kind="service", id=service_account(of, role="admin").pk),
        "a service elsewhere": Actor(kind="service", id=service_account(role="admin").pk),
        "an inactive owner": Actor.user(gone.pk),
        "a deactivated owner": Actor.user(away.pk),
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
        rows = ask((Actor.system(), of, None)).get(0, [])

    found = standing.answered(Actor.system(), rows)

    assert (found.is_active, found.permissions) == (False, frozenset())
    assert Permission.MISSION_VIEW in stand(Actor.system(), of).permissions


def test_many_questions_are_answered_each_by_itself():
    of, other = organization(), organization()
    editor, elsewhere = Actor.user(member(of, role="editor").pk), project(other).pk

    with scope([of, other]), transaction.atomic():
        rows = ask((editor, of, elsewhere), (editor, other, None), (editor, of, None))

    found = [standing.answered(editor, rows[place]) for place in range(3)]
    assert [one.has_project for one in found] == [False, True, True]
    assert [Permission.MISSION_EDIT in one.permissions for one in found] == [True, False, True]


def test_what_cannot_be_seen_among_others_has_no_answer():
    of, hidden = organization(), organization()

    with scope(of), transaction.atomic():
        rows = ask((Actor.system(), hidden, None), (Actor.system(), of, None))

    assert list(rows) == [1]
