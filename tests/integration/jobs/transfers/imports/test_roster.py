"""A roster's file: who is invited, changed, deactivated, brought back or left alone."""

import pytest

from audit.models import AuditEvent
from jobs.families.notifications.models import SuppressionCause
from jobs.families.notifications.unsubscribe import suppress
from jobs.families.transfers.imports import decide as doors
from jobs.families.transfers.imports.errors import NotApprovable
from jobs.ledger.models import Job
from tenancy import changes
from tenancy.errors import AccessDenied
from tenancy.models import Membership, OrganizationState
from tests.factories import tenancy
from tests.factories.imports import decide, uploaded
from tests.factories.jobs import at
from tests.integration.jobs.transfers.imports.belonging import people, standing
from tests.integration.jobs.transfers.imports.looking import actions, chunks, issue, issues, plan
from tests.waiting import eventually

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def own():
    return tenancy.organization()


@pytest.fixture
def owner(own):
    return tenancy.member(own, role="owner")


@pytest.fixture
def here(own, owner):
    """Where an upload goes, and by whom."""
    return {"of": own, "by": owner, "kind": "roster", "file_name": "people.csv"}


def test_a_list_invites_changes_deactivates_and_leaves_the_others_alone(own, here, completed):
    editor, leaving, other = (tenancy.member(own) for _ in range(3))

    of = completed(
        people(
            "New@Example.test,Ada,admin,",
            f"{editor.email},,viewer,",
            f"{leaving.email},,,inactive",
            f"{here['by'].email},,owner,active",
        ),
        **here,
    )

    assert standing(own) == {
        "new@example.test": "invited admin",
        editor.email: "viewer",
        leaving.email: "(editor)",
        other.email: "editor",
        here["by"].email: "owner",
    }
    assert plan(of) == {"added": 1, "changed": 2, "unchanged": 1}
    assert of.done == {
        "added": 1,
        "changed": 2,
        "unchanged": 1,
        "removed": 0,
        "failed": 0,
        "rows": 4,
    }


def test_the_dry_run_changes_nobody(own, here, validated):
    editor = tenancy.member(own)
    before = standing(own)

    validated(people("new@example.test,,,", f"{editor.email},,,inactive"), **here)

    assert standing(own) == before


def test_each_person_is_an_event_and_the_roster_one_chunk(own, here, completed):
    editor = tenancy.member(own)

    of = completed(people("new@example.test,,,", f"{editor.email},,viewer,"), **here)

    assert actions(of)[-3:] == [
        "import.commit_began",
        "import.chunk_committed",
        "import.completed",
    ]
    [chunk] = chunks(of)
    assert (chunk.first_row, chunk.last_row, chunk.added, chunk.changed) == (2, 3, 1, 1)
    with at(own):
        told = AuditEvent.objects.filter(organization_id=own.pk, actor=f"user:{here['by'].pk}")
        told = set(told.values_list("action", flat=True))
    assert {"invitation.created", "membership.role_changed"} <= told


def test_one_error_and_nobody_is_changed(own, here, validated):
    editor = tenancy.member(own)
    of = validated(people(f"{editor.email},,viewer,", "nobody,,,"), **here)

    with pytest.raises(NotApprovable, match="takes all rows or none"):
        decide(doors.approve, of, confirm_errors=True)

    assert issues(of) == [(3, 3, "mail", "email")]
    assert standing(own)[editor.email] == "editor"


def test_valid_rows_go_in_where_that_was_chosen(own, here, completed, settings):
    settings.IMPORTS_MAX_BAD_PERCENT = 50
    editor = tenancy.member(own)
    chosen = {"acceptance": "valid_rows"}

    of = completed(people(f"{editor.email},,viewer,", "nobody,,,"), choices=chosen, **here)

    assert (plan(of), standing(own)[editor.email]) == ({"changed": 1, "failed": 1}, "viewer")


def test_more_people_than_a_roster_may_have_are_refused(here, until):

    file = people(*(f"p{n}@example.test,,," for n in range(50_001)))

    of = until(uploaded(file, **here), "rejected", "validated")

    assert of.reason == "too_many_rows"
    assert of.problem["detail"]["limit"] == 50_000


@pytest.mark.parametrize("mode", ["update", "sync"])
def test_2_a_file_of_a_header_only_is_refused(own, here, until, mode):

    tenancy.member(own)
    before = standing(own)

    of = until(uploaded(people(), choices={"mode": mode}, **here), "rejected", "validated")

    assert (of.reason, standing(own)) == ("no_rows", before)


def test_62_nobody_takes_a_right_from_themselves(own, here, validated):
    tenancy.member(own, role="owner")
    for line in ("viewer,", ",inactive"):
        of = validated(people(f"{here['by'].email},,{line}"), **here)

        assert issue(of).code == "self_change"


def test_62_an_admin_makes_no_owner(own, here, validated):
    editor = tenancy.member(own)
    here["by"] = tenancy.member(own, role="admin")

    of = validated(people(f"{editor.email},,owner,", "new@example.test,,owner,"), **here)

    assert issues(of) == [
        (2, 2, "role", "role_not_grantable"),
        (3, 3, "role", "role_not_grantable"),
    ]


def test_62_an_owner_makes_no_owner_by_a_file_either(own, here, validated):
    editor = tenancy.member(own)

    of = validated(people(f"{editor.email},,owner,"), **here)

    assert issues(of) == [(2, 2, "role", "role_not_grantable")]


def test_62_an_editor_uploads_no_roster(own):
    editor = tenancy.member(own)

    with pytest.raises(AccessDenied):
        uploaded(people("a@example.test,,,"), of=own, by=editor, kind="roster")


def test_63_two_writings_of_one_address_are_one_person(here, validated):
    of = validated(people("A@x.org,,,", '"a@x.org ",,,'), **here)

    assert issues(of) == [(3, 3, "mail", "duplicate_key")]
    assert issue(of).detail == {"first_row": 2}


def test_63_the_same_row_twice_is_taken_once(here, validated):
    of = validated(people("a@x.org,,,", "a@x.org,,,"), **here)

    assert issues(of) == [(3, 3, "mail", "duplicate_same")]
    assert plan(of) == {"added": 1, "skipped": 1}


def test_63_what_is_no_mail_address_is_an_error_and_a_foreign_script_none(here, validated):
    long = "a" * 250 + "@x.org"
    of = validated(
        people(
            '"a@x.org, b@x.org",,,',
            '"x@y\nBcc: z",,,',
            "nobody,,,",
            "a@bücher.example,,,",
            f"{long},,,",
        ),
        **here,
    )

    assert [(row, code) for row, _, _, code in issues(of) if code == "email"] == [
        (2, "email"),
        (3, "email"),
        (4, "email"),
        (6, "email"),
    ]
    assert plan(of) == {"added": 1, "failed": 4}


def test_64_what_is_known_of_a_person_decides(own, here, validated):
    asked = tenancy.invitation(own, by=here["by"])
    suspended = tenancy.member(own, is_active=False)
    stranger = tenancy.member(tenancy.organization())
    tenancy.service_account(own, name="robot@example.test")
    with at(own):
        suppress(own.pk, "bounced@example.test", SuppressionCause.BOUNCED)

    of = validated(
        people(
            f"{asked.email},,,",
            f"{suspended.email},,viewer,",
            f"{stranger.email},,,",
            "robot@example.test,,,",
            "bounced@example.test,,,",
        ),
        **here,
    )

    assert issues(of) == [
        (3, 3, "mail", "person_suspended"),
        (5, 5, "mail", "service_account"),
        (6, 6, "mail", "address_suppressed"),
    ]
    assert plan(of) == {"added": 2, "unchanged": 1, "failed": 2}


def test_66_more_invitations_than_seats_are_told_before_anybody_is_invited(validated):
    own = tenancy.organization(seat_limit=2)
    owner = tenancy.member(own, role="owner")
    file = people(*(f"p{n}@example.test,,," for n in range(3)))

    of = validated(file, of=own, by=owner, kind="roster")

    assert (issue(of).code, issue(of).level) == ("seat_limit", "file")
    assert issue(of).detail == {"needed": 3, "free": 1}
    with pytest.raises(NotApprovable) as refused:
        decide(doors.approve, of)
    assert (refused.value.code, refused.value.facts) == ("seat_limit", {"needed": 3, "free": 1})


def test_69_who_lost_the_right_commits_nothing(own, here, validated, until):
    admin = tenancy.member(own, role="admin")
    of = validated(people("new@example.test,,,"), **here | {"by": admin})
    with at(own):  # both at once, before a worker can begin
        of = decide(doors.approve, of)
        changes.update(Membership.objects.get(user=admin), role="viewer")

    of = until(of, "stopped", "completed")

    assert of.reason == "authorization_revoked"
    assert "new@example.test" not in standing(own)


def test_69_while_its_organization_is_suspended_a_roster_waits(own, here, validated):
    of = validated(people("new@example.test,,,"), **here)
    with at(own):
        of = decide(doors.approve, of)
        changes.update(own, state=OrganizationState.SUSPENDED)

    eventually(lambda: hold(of) == "organization_suspended", within=20)
    assert "new@example.test" not in standing(own)


def hold(of):
    with at(of.organization_id):
        return Job.objects.get(organization_id=of.organization_id, pk=of.job_id).hold
