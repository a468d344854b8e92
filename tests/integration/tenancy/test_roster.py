"""A whole list of people at once: what it changes, what speaks against it, and all of that told."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from audit.models import AuditEvent
from jobs.models import Job
from tenancy import changes, clock, roster
from tenancy.acting import Actor, acting
from tenancy.errors import NoSeats
from tenancy.models import Invitation, Membership, Organization, Role, User
from tenancy.roster import Breach, Plan, Step, Wanted, carry_out, plan
from tenancy.scope import scope
from tests.factories import tenancy
from tests.threads import together

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def own() -> Organization:
    return tenancy.organization()


@pytest.fixture
def owner(own: Organization) -> User:
    return tenancy.member(own, role="owner")


@contextmanager
def by(person: User, own: Organization) -> Iterator[None]:
    """In the organization, as this person, in one transaction."""
    with acting(Actor.user(person.pk), source="worker"), scope(own), transaction.atomic():
        yield


def planned(person: User, own: Organization, *wanted: Wanted, sync: bool = False) -> Plan:
    with by(person, own):
        return plan(own.pk, wanted, sync=sync)


def done(person: User, own: Organization, *wanted: Wanted, sync: bool = False) -> Sequence[Step]:
    with by(person, own):
        return carry_out(plan(own.pk, wanted, sync=sync))


def want(person: User | str, role: str | None = None, active: bool | None = None) -> Wanted:
    email = person if isinstance(person, str) else person.email
    return Wanted(email=email, role=Role(role) if role else None, active=active)


def standing(own: Organization) -> dict[str, str]:
    """Every member's and pending invitation's role, by address; in brackets if deactivated."""
    with scope(own), transaction.atomic():
        members = Membership.objects.filter(organization=own).select_related("user")
        found = {
            one.user.email: f"({one.role})" if one.deactivated_at else one.role for one in members
        }
        pending = Invitation.objects.filter(organization=own, state="pending")
        return found | {one.email: f"invited {one.role}" for one in pending}


def test_a_list_invites_changes_deactivates_and_brings_back(own: Organization, owner: User) -> None:
    editor, leaving, back = (tenancy.member(own) for _ in range(3))
    tenancy.invitation(own, email="asked@example.test", by=owner)
    done(owner, own, want(back, active=False))

    steps = done(
        owner,
        own,
        want("new@example.test", "admin"),
        want(editor, "viewer"),
        want(leaving, active=False),
        want(back, "admin", active=True),
        want("asked@example.test", active=False),
        want(owner, "owner", active=True),
        want("never@example.test", active=False),
    )

    assert standing(own) == {
        owner.email: "owner",
        editor.email: "viewer",
        leaving.email: "(editor)",
        back.email: "admin",
        "new@example.test": "invited admin",
    }
    assert [step.deed for step in steps] == [
        "invited",
        "role_changed",
        "deactivated",
        "reactivated",
        "revoked",
    ]
    assert steps[0].invited
    assert steps[1].row
    assert steps[1].row.role == "editor"


def test_each_person_is_one_event_in_the_name_of_who_acts(own: Organization, owner: User) -> None:
    editor, back = tenancy.member(own), tenancy.member(own)
    done(owner, own, want(back, active=False))

    done(owner, own, want(editor, "viewer"), want(back, "admin", True), want("n@example.test"))

    with scope(own), transaction.atomic():
        told = AuditEvent.objects.filter(actor=f"user:{owner.pk}").order_by("id")
        assert sorted(one.action for one in told[1:]) == [
            "invitation.created",
            "membership.reactivated",
            "membership.role_changed",
        ]
        assert Job.objects.filter(job_type="notifications.send_invitation").count() == 1


def test_what_is_as_it_should_be_is_left_alone(own: Organization, owner: User) -> None:
    editor = tenancy.member(own, email="Mixed.Case@example.test")
    away = tenancy.member(own)
    tenancy.invitation(own, email="asked@example.test", by=owner)
    done(owner, own, want(away, active=False))

    found = planned(
        owner,
        own,
        want("mixed.case@example.test", "editor", active=True),
        want(away, "editor"),
        want("asked@example.test", "editor", active=True),
        want(owner),
        sync=True,
    )

    assert list(found.steps) == []
    assert list(found.unchanged) == [
        "mixed.case@example.test",
        away.email,
        "asked@example.test",
        owner.email,
    ]
    assert editor.email != "mixed.case@example.test"


def test_a_plan_writes_nothing(own: Organization, owner: User) -> None:
    before = standing(own)

    found = planned(owner, own, want("new@example.test"), sync=True)

    assert found.counts == {"invited": 1}
    assert standing(own) == before


def test_who_is_not_listed_is_left_alone_but_in_sync(own: Organization, owner: User) -> None:
    left_out = tenancy.member(own)
    invitation = tenancy.invitation(own, by=owner)

    update = planned(owner, own, want(owner))
    sync = planned(owner, own, want(owner), sync=True)

    assert list(update.steps) == []
    assert {(step.email, step.deed) for step in sync.removals} == {
        (left_out.email, "deactivated"),
        (invitation.email, "revoked"),
    }
    assert sync.people == 3


def test_a_member_of_another_organization_is_invited_like_a_stranger(
    own: Organization, owner: User
) -> None:
    known = tenancy.member(tenancy.organization(), role="owner")

    theirs, nobody = planned(owner, own, want(known), want("nobody@example.test")).steps

    assert (theirs.deed, theirs.role, theirs.row) == (nobody.deed, nobody.role, nobody.row)


@pytest.mark.parametrize("mode", ["demoted", "deactivated", "left out"])
def test_the_last_owner_stays(own: Organization, owner: User, mode: str) -> None:
    operator = tenancy.operator()
    wanted = {
        "demoted": [want(owner, "viewer")],
        "deactivated": [want(owner, active=False)],
        "left out": [want("new@example.test")],
    }[mode]

    with acting(Actor.operator(operator.pk), source="worker"), scope(own), transaction.atomic():
        found = plan(own.pk, wanted, sync=mode == "left out")
        carry_out(found)

    assert found.breaches == {owner.email: [Breach.LAST_OWNER]}
    assert standing(own)[owner.email] == "owner"


def test_of_two_owners_who_would_both_go_both_are_refused(own: Organization, owner: User) -> None:
    second, third = tenancy.member(own, role="owner"), tenancy.operator()

    with acting(Actor.operator(third.pk), source="worker"), scope(own), transaction.atomic():
        found = plan(own.pk, [want(owner, "viewer"), want(second, active=False)])
        one = plan(own.pk, [want(second, "admin")])

    assert found.breaches == {
        owner.email: [Breach.LAST_OWNER],
        second.email: [Breach.LAST_OWNER],
    }
    assert one.breaches == {}


def test_an_owner_whose_successor_is_refused_stays(own: Organization, owner: User) -> None:
    heir, operator = tenancy.member(own, role="admin"), tenancy.operator()

    with acting(Actor.operator(operator.pk), source="worker"), scope(own), transaction.atomic():
        found = plan(own.pk, [want(owner, "viewer"), want(heir, "owner")])

    assert found.breaches == {
        owner.email: [Breach.LAST_OWNER],
        heir.email: [Breach.ROLE_NOT_GRANTABLE],
    }


def test_an_owner_who_acts_can_demote_the_other_and_not_themselves(
    own: Organization, owner: User
) -> None:
    second = tenancy.member(own, role="owner")

    found = planned(owner, own, want(owner, "viewer"), want(second, "admin"))

    assert found.breaches == {
        owner.email: [Breach.SELF_CHANGE, Breach.LAST_OWNER],
        second.email: [Breach.LAST_OWNER],
    }
    assert planned(owner, own, want(second, "admin")).breaches == {}


def test_two_lists_at_once_leave_an_owner(own: Organization) -> None:
    first, second = (tenancy.member(own, role="owner") for _ in range(2))

    counts = together(
        lambda: len(done(first, own, want(second, "viewer"))),
        lambda: len(done(second, own, want(first, "viewer"))),
    )

    assert sorted(counts) == [0, 1]
    assert sorted(standing(own).values()) == ["owner", "viewer"]


def test_nobody_becomes_owner_by_a_list(own: Organization, owner: User) -> None:
    admin, away = tenancy.member(own, role="admin"), tenancy.member(own, role="owner")
    done(owner, own, want(away, active=False))

    found = planned(
        owner, own, want(admin, "owner"), want("heir@example.test", "owner"), want(away, None, True)
    )

    assert set(found.breaches) == {admin.email, "heir@example.test", away.email}
    assert {tuple(of) for of in found.breaches.values()} == {(Breach.ROLE_NOT_GRANTABLE,)}


def test_an_admin_touches_no_owner_and_gives_no_more_than_their_own(
    own: Organization, owner: User
) -> None:
    admin = tenancy.member(own, role="admin")
    tenancy.member(own, role="owner")

    found = planned(admin, own, want(owner, "viewer"), want("new@example.test", "admin"))
    missing = planned(admin, own, want(admin), sync=True)

    assert found.breaches == {owner.email: [Breach.ROLE_NOT_GRANTABLE]}
    assert owner.email in missing.breaches


def test_nobody_locks_themselves_out_by_leaving_themselves_out(
    own: Organization, owner: User
) -> None:
    admin = tenancy.member(own, role="admin")

    found = planned(admin, own, want(owner), sync=True)

    assert found.breaches == {admin.email: [Breach.SELF_CHANGE]}


def test_an_editor_changes_nothing_of_anybody(own: Organization, owner: User) -> None:
    editor = tenancy.member(own)

    found = planned(editor, own, want("new@example.test", "viewer"), want(editor, "viewer"))

    assert found.breaches == {
        "new@example.test": [Breach.ROLE_NOT_GRANTABLE],
        editor.email: [Breach.SELF_CHANGE, Breach.ROLE_NOT_GRANTABLE],
    }


def test_what_is_listed_of_a_closed_account_is_refused(own: Organization, owner: User) -> None:
    closed = tenancy.member(own, is_active=False)

    changing = planned(owner, own, want(closed, "viewer"))
    left = planned(owner, own, want(owner), sync=True)

    assert changing.breaches == {closed.email: [Breach.PERSON_SUSPENDED]}
    assert planned(owner, own, want(closed, "editor")).breaches == {}
    assert [step.email for step in left.removals] == [closed.email]


def test_a_line_with_the_name_of_a_service_account_invites_nobody(
    own: Organization, owner: User
) -> None:
    tenancy.service_account(own, name="Robot@example.test")
    tenancy.service_account(own, name=owner.email)

    found = planned(owner, own, want("robot@example.test"), want(owner), sync=True)

    assert found.breaches == {"robot@example.test": [Breach.SERVICE_ACCOUNT]}
    assert list(found.steps) == []


def test_only_what_nothing_speaks_against_is_done(own: Organization, owner: User) -> None:
    editor = tenancy.member(own)

    done(owner, own, want(owner, "viewer"), want(editor, "viewer"))

    assert standing(own) == {owner.email: "owner", editor.email: "viewer"}


def test_seats_are_needed_by_who_is_new_and_freed_by_who_goes(
    own: Organization, owner: User
) -> None:
    leaving = tenancy.member(own)
    with scope(own), transaction.atomic():
        changes.update(own, seat_limit=3)
    three = [want(f"new-{number}@example.test") for number in range(3)]

    short = planned(owner, own, *three)
    fits = planned(owner, own, *three[:2], want(leaving, active=False))

    assert (short.seats.needed, short.seats.free, short.seats.are_short) == (3, 1, True)
    assert (fits.seats.needed, fits.seats.are_short) == (1, False)
    with pytest.raises(NoSeats) as refused:
        done(owner, own, *three)
    assert (refused.value.needed, refused.value.free) == (3, 1)
    assert len(standing(own)) == 2


def test_a_limit_below_what_is_used_hinders_nobody_who_needs_no_seat(
    own: Organization, owner: User
) -> None:
    editor = tenancy.member(own)
    with scope(own), transaction.atomic():
        changes.update(own, seat_limit=1)

    done(owner, own, want(editor, "viewer"))

    assert standing(own)[editor.email] == "viewer"
    with pytest.raises(NoSeats):
        done(owner, own, want("new@example.test"))


def test_an_invitation_that_nobody_can_accept_any_more_is_made_anew(
    own: Organization, owner: User
) -> None:
    gone = tenancy.member(own, role="admin")
    over = tenancy.invitation(own, email="over@example.test", by=owner)
    tenancy.invitation(own, email="orphan@example.test", by=gone)
    with scope(own), transaction.atomic():
        changes.update(over, expires_at=clock.now())
        changes.update(gone.memberships.get(), role="viewer")

    done(owner, own, want("over@example.test"), want("orphan@example.test"))

    assert standing(own) == {
        owner.email: "owner",
        gone.email: "viewer",
        "over@example.test": "invited viewer",
        "orphan@example.test": "invited viewer",
    }


def test_another_role_for_somebody_invited_sends_no_second_mail(
    own: Organization, owner: User
) -> None:
    tenancy.invitation(own, email="asked@example.test", by=owner)

    done(owner, own, want("asked@example.test", "viewer"))

    assert standing(own)["asked@example.test"] == "invited viewer"
    with scope(own), transaction.atomic():
        assert Job.objects.filter(job_type="notifications.send_invitation").count() == 1


def test_an_address_that_stands_twice_in_a_list_is_no_list(own: Organization, owner: User) -> None:
    with pytest.raises(ValueError, match="stand in it twice"):
        planned(owner, own, want("a@example.test"), want("a@example.test", "viewer"))


def test_nobody_of_another_organization_is_touched(own: Organization, owner: User) -> None:
    other = tenancy.organization()
    theirs = tenancy.member(other, role="owner")
    tenancy.member(other, user=owner)

    with acting(Actor.user(owner.pk), source="worker"), scope([own, other]), transaction.atomic():
        carry_out(plan(own.pk, [want(owner), want(theirs, "viewer")], sync=True))

    assert standing(other) == {theirs.email: "owner", owner.email: "editor"}
    assert standing(own) == {owner.email: "owner", theirs.email: "invited viewer"}


def statements(person: User, own: Organization, wanted: Sequence[Wanted]) -> int:
    with CaptureQueriesContext(connection) as seen:
        done(person, own, *wanted)
    return len(seen)


def test_a_list_ten_times_as_long_costs_no_statement_more(own: Organization, owner: User) -> None:
    def people(count: int, name: str) -> list[Any]:
        known = [tenancy.member(own) for _ in range(count)]
        return [want(one, "viewer") for one in known] + [
            want(f"{name}-{number}@example.test") for number in range(count)
        ]

    tenancy.invitation(own, by=owner)
    few, many = people(2, "few"), people(20, "many")

    assert statements(owner, own, few) == statements(owner, own, many)


def test_the_words_of_a_breach_say_what_to_do() -> None:
    assert all(len(breach.text.split()) > 6 for breach in roster.Breach)
