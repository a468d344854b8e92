"""A list that is the whole of the people: who is not on it goes, and that is never an accident."""

import pytest

from jobs.families.transfers.imports import decide as doors
from jobs.families.transfers.imports.errors import NotApprovable
from jobs.families.transfers.models import RowIssue
from tenancy import changes
from tenancy.models import Membership
from tests.factories import tenancy
from tests.factories.imports import decide, now
from tests.factories.jobs import at
from tests.integration.jobs.transfers.imports.belonging import people, standing
from tests.integration.jobs.transfers.imports.looking import actions, chunks, plan

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def own():
    return tenancy.organization()


@pytest.fixture
def owner(own):
    return tenancy.member(own, role="owner")


@pytest.fixture
def members(own):
    return [tenancy.member(own) for _ in range(11)]


@pytest.fixture
def synced(own, owner, validated):
    """The plan of this list."""

    def synced(*listed, **choices):
        file = people(f"{owner.email},,,", *(f"{one.email},,," for one in listed))
        choices = {"mode": "sync"} | choices
        return validated(file, of=own, by=owner, kind="roster", choices=choices)

    return synced


def at_row_0(of):
    with at(of.organization_id):
        found = RowIssue.objects.filter(of_import=of, row=0)
        return sorted(found.values_list("level", "code", "value"))


def role(of, person, to):
    with at(of.organization_id):
        changes.update(Membership.objects.get(user=person), role=to)


def test_who_is_left_out_is_shown_by_name_and_deactivated(synced, members, until, own):
    asked = tenancy.invitation(own)
    left_out = members[0]
    robot = tenancy.service_account(own)
    with at(own):
        inviter = Membership.objects.exclude(user__in=[one.pk for one in members])
        others = [one.user for one in inviter.select_related("user")]
    of = synced(*members[1:], *others)

    assert at_row_0(of) == sorted(
        [("warn", "not_listed", left_out.email), ("warn", "not_listed", asked.email)]
    )
    of = until(decide(doors.approve, of), "completed", "stopped", "validated")

    assert of.done["removed"] == chunks(of)[0].removed == 2
    assert standing(own)[left_out.email] == "(editor)"
    assert asked.email not in standing(own)
    with at(own):
        robot.refresh_from_db()
        assert robot.disabled_at is None


def test_an_update_never_touches_who_is_not_listed(synced, members, own):
    of = synced(mode="update")

    assert (plan(of)["unchanged"], of.plan["removed"], at_row_0(of)) == (1, 0, [])


def test_65_half_of_the_people_are_removed_only_by_their_number(synced, members, until, own):
    of = synced(*members[:5])
    facts = {"removals": 6, "people": 12, "share_percent": 50}

    assert ("warn", "many_removals", None) in at_row_0(of)
    for typed in (None, 5):
        with pytest.raises(NotApprovable) as refused:
            decide(doors.approve, of, confirm_removals=typed)
        assert (refused.value.code, refused.value.facts) == ("many_removals", facts)
    assert "(editor)" not in standing(own).values()

    until(decide(doors.approve, now(of), confirm_removals=6), "completed")
    assert list(standing(own).values()).count("(editor)") == 6


def test_nobody_is_removed_while_a_row_cannot_be_read(own, owner, members, validated):
    """Who is meant by it may be one of those who seem to be left out."""
    file = people(f"{owner.email},,,", f"{members[0].email},,edtor,")
    choices = {"mode": "sync", "acceptance": "valid_rows"}

    of = validated(file, of=own, by=owner, kind="roster", choices=choices)

    assert (of.plan["removed"], of.plan["failed"]) == (0, 1)
    with pytest.raises(NotApprovable) as refused:
        decide(doors.approve, of, confirm_errors=True, confirm_removals=0)
    assert refused.value.code == "errors_not_allowed"


def test_67_removals_that_differ_from_the_approved_ones_go_back_to_review(
    synced, members, until, own
):
    of = synced(*members[1:])
    late = tenancy.member(own)

    of = until(decide(doors.approve, of), "validated", "completed", "stopped")

    assert (of.state, of.problem["code"]) == ("validated", "plan_changed")
    assert of.problem["detail"] == {"removed": {"approved": 1, "now": 2}}
    assert at_row_0(of) == sorted(
        [("warn", "not_listed", members[0].email), ("warn", "not_listed", late.email)]
    )
    assert standing(own)[members[0].email] == "editor"
    assert (actions(of)[-1], of.approved_by) == ("import.plan_changed", "")

    until(decide(doors.approve, of), "completed")
    assert standing(own)[late.email] == "(editor)"


def test_67_a_role_that_was_changed_meanwhile_goes_back_to_review(
    own, owner, members, validated, until
):
    file = people(f"{members[0].email},,viewer,")
    of = validated(file, of=own, by=owner, kind="roster")
    role(of, members[0], "admin")

    of = until(decide(doors.approve, of), "validated", "completed", "stopped")

    assert (of.state, standing(own)[members[0].email]) == ("validated", "admin")


def test_who_was_invited_meanwhile_is_no_surprise(own, owner, validated, until):
    of = validated(people("new@example.test,,,"), of=own, by=owner, kind="roster")
    tenancy.invitation(own, by=owner, email="new@example.test")

    of = until(decide(doors.approve, of), "validated", "completed", "stopped")

    assert (of.state, of.done["added"], of.done["unchanged"]) == ("completed", 0, 1)
