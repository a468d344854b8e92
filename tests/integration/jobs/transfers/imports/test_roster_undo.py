"""A roster's import is taken back: open invitations, and rights that nobody has touched since."""

import pytest
from django.db import transaction

from jobs.families.transfers.imports import decide as doors
from tenancy import changes
from tenancy.models import Invitation, InvitationState, Membership
from tenancy.scope import operator_scope
from tests.factories import tenancy
from tests.factories.imports import decide
from tests.factories.jobs import at
from tests.integration.jobs.transfers.imports.belonging import people, standing
from tests.integration.jobs.transfers.imports.looking import actions, chunks, issues

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def own():
    return tenancy.organization()


@pytest.fixture
def owner(own):
    return tenancy.member(own, role="owner")


@pytest.fixture
def members(own):
    return [tenancy.member(own) for _ in range(2)]


@pytest.fixture
def imported(own, owner, members, completed):
    """Invites two, demotes one, deactivates one."""
    file = people(
        "a@example.test,,,",
        "b@example.test,,,",
        f"{members[0].email},,viewer,",
        f"{members[1].email},,,inactive",
    )
    return completed(file, of=own, by=owner, kind="roster")


def test_what_nobody_touched_is_as_before(imported, until, own, owner, members):
    planned = decide(doors.plan_undo, imported).counts

    of = until(decide(doors.undo, imported), "undone", "stopped")

    assert of.undo == planned == {"deleted": 2, "restored": 2, "kept": 0}
    assert standing(own) == {owner.email: "owner", **{one.email: "editor" for one in members}}
    assert actions(of)[-3:] == ["import.undo_began", "import.chunk_undone", "import.undone"]
    assert len(chunks(of, is_undo=True)) == 1


def test_who_accepted_or_was_changed_since_is_kept_and_named(imported, until, own, members):
    with at(own):
        asked = Invitation.objects.get(email="b@example.test")
        changes.update(asked, state=InvitationState.ACCEPTED, accepted_at=asked.created_at)
        changes.update(Membership.objects.get(user=members[0]), role="admin")

    of = until(decide(doors.undo, imported), "undone", "stopped")

    assert of.undo == {"deleted": 1, "restored": 1, "kept": 2}
    assert [(row, code) for row, _, _, code in issues(of)] == [(3, "kept"), (4, "kept")]
    assert standing(own)[members[0].email] == "admin"


def test_people_come_back_only_to_seats_that_there_are(imported, until, own):

    with operator_scope("a test"), transaction.atomic():
        changes.update(own, seat_limit=1)
    with at(own):
        for asked in Invitation.objects.filter(organization_id=own.pk):
            changes.update(asked, state=InvitationState.REVOKED)

    of = until(decide(doors.undo, imported), "undone", "stopped")

    assert (of.state, of.reason) == ("stopped", "seat_limit")
