"""An owner stays, whatever a list says, and however many lists say it."""

import pytest

from jobs.families.transfers.imports import decide as doors
from jobs.families.transfers.imports import upload
from jobs.families.transfers.imports.errors import NotApprovable
from tenancy.acting import Actor, acting
from tenancy.scope import scope
from tests.factories import tenancy
from tests.factories.imports import decide
from tests.integration.jobs.transfers.imports.belonging import people, standing
from tests.integration.jobs.transfers.imports.looking import actions, issue, issues, plan

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def own():
    return tenancy.organization()


@pytest.fixture
def owner(own):
    return tenancy.member(own, role="owner")


@pytest.fixture
def checked(own, until):
    """The plan of a list that a program has sent, which may all and is on no list."""
    robot = tenancy.service_account(own, role="owner")

    def checked(file, **choices):
        with scope(own), acting(Actor.service(robot.pk), source="api"):
            of = upload.upload(own, "people.csv", [file], kind="roster", choices=choices).of_import
        of = until(of, "validated", "rejected", "stopped")
        assert of.state == "validated", of.problem
        return of

    return checked


@pytest.mark.parametrize(
    ("line", "column"), [(",viewer,", "role"), (",,inactive", "status")], ids=["demoted", "gone"]
)
def test_61_the_only_owner_is_neither_demoted_nor_deactivated(checked, owner, line, column):
    of = checked(people(f"{owner.email},{line}"))

    assert issues(of) == [(2, 2, column, "last_owner")]
    assert plan(of) == {"failed": 1}


def test_61_a_sync_without_the_only_owner_is_not_approvable(checked, own, owner):
    tenancy.member(own)
    of = checked(people("new@example.test,,,"), mode="sync")

    with pytest.raises(NotApprovable) as refused:
        decide(doors.approve, of, confirm_removals=1)

    assert refused.value.code == "last_owner"
    assert owner.email in str(refused.value)
    assert standing(own)[owner.email] == "owner"


def test_61_of_two_owners_demoted_in_one_file_both_rows_fail(checked, own, owner):
    second = tenancy.member(own, role="owner")

    of = checked(people(f"{owner.email},,viewer,", f"{second.email},,admin,"))

    assert issues(of) == [(2, 2, "role", "last_owner"), (3, 3, "role", "last_owner")]


def test_61_of_two_owners_demoted_by_two_files_one_stays(checked, until, own, owner):
    second = tenancy.member(own, role="owner")
    imports = [checked(people(f"{one.email},,viewer,")) for one in (owner, second)]

    for of in imports:
        decide(doors.approve, of)
    ended = [until(of, "completed", "validated", "stopped") for of in imports]

    assert sorted(of.state for of in ended) == ["completed", "validated"]
    [late] = [of for of in ended if of.state == "validated"]
    assert (issue(late).code, late.problem["code"]) == ("last_owner", "plan_changed")
    assert actions(late)[-1] == "import.plan_changed"
    assert sorted(standing(own).values()) == ["owner", "viewer"]
    with pytest.raises(NotApprovable, match="have errors"):
        decide(doors.approve, late)
