"""What a plan would do, value by value: on the import's page, in the API and as a file."""

import re
from datetime import UTC, datetime

import pytest

from jobs.families.transfers.imports import planned
from tenancy import changes
from tenancy.models import Mission, TimelineEntry, User
from tests import factories
from tests.factories import tenancy
from tests.factories.admin import signed_in
from tests.factories.api import Caller
from tests.factories.imports import csv, line, uploaded
from tests.factories.jobs import at
from tests.integration.jobs.transfers.imports.looking import entries, events

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def mission():
    return factories.mission()


@pytest.fixture
def own(mission):
    return mission.organization


@pytest.fixture
def by(own):
    return tenancy.member(own, "editor")


@pytest.fixture
def plan(validated, mission, own, by):
    """One added, one changed in two values, one left alone, one removed."""
    with at(own):
        changes.create(
            Mission(organization=own, project=mission.project, reference="M-2", title="Other")
        )
        starts = datetime(2026, 3, 1, 9, tzinfo=UTC)
        for n in range(3):
            key, title = f"E-{n}", f"Title of E-{n}"
            entry = {"external_id": key, "kind": "note", "title": title, "starts_at": starts}
            changes.create(TimelineEntry(organization=own, mission=mission, **entry))
    file = csv(
        line("E-0", mission.reference),
        line("E-1", "M-2", title="=SUM(A1)", location="Kiel"),
        line("E-9", mission.reference, notes="<b>new</b>"),
    )
    return validated(file, of=own, by=by, choices={"mode": "replace"})


def told(of, kind):
    return [
        (one["row"], one["external_id"], one["field"], one["before"], one["after"])
        for one in planned.first(of, kind)
    ]


def test_what_changes_is_told_field_by_field(plan, mission):
    assert told(plan, "changed") == [
        ("3", "E-1", "mission", mission.reference, "M-2"),
        ("3", "E-1", "title", "Title of E-1", "=SUM(A1)"),
        ("3", "E-1", "location", "", "Kiel"),
    ]


def test_what_is_added_is_told_with_its_values(plan, mission):
    assert told(plan, "added") == [
        ("4", "E-9", "mission", "", mission.reference),
        ("4", "E-9", "external_id", "", "E-9"),
        ("4", "E-9", "kind", "", "note"),
        ("4", "E-9", "title", "", "Title of E-9"),
        ("4", "E-9", "starts_at", "", "2026-03-01T09:00:00+00:00"),
        ("4", "E-9", "notes", "", "<b>new</b>"),
    ]


def test_what_is_removed_is_told_with_its_mission(plan, mission, own):
    [line] = planned.first(plan, "removed")

    assert (line["row"], line["id"]) == ("", str(entries(own)["E-2"].pk))
    assert (line["title"], line["before"]) == ("Title of E-2", mission.reference)


def test_of_many_that_are_added_the_first_are_told_across_chunks(
    validated, own, mission, settings, monkeypatch
):
    settings.IMPORTS_CHUNK_ROWS = 2
    monkeypatch.setattr(planned, "MOST_SHOWN", 3)

    of = validated(csv(*(line(f"N-{n}", mission.reference) for n in range(6))), of=own)

    monkeypatch.setattr(planned, "MOST_SHOWN", 1_000)
    assert {row for row, *_ in told(of, "added")} == {"2", "3", "4"}


def test_a_roster_tells_whose_right_would_be_another_one(validated, own):
    owner, viewer = tenancy.member(own, "owner"), tenancy.member(own, "viewer")
    gone = tenancy.member(own, "viewer")
    header = "mail,name,role,status"
    rows = (f"{owner.email},,,", f"{viewer.email},,editor,", "new@example.test,,viewer,")
    file = csv(*rows, header=header)

    of = validated(file, of=own, by=owner, kind="roster", choices={"mode": "sync"})

    assert planned.first(of, "changed") == [
        {"row": "3", "mail": viewer.email, "field": "role", "before": "viewer", "after": "editor"}
    ]
    assert [(one["mail"], one["field"]) for one in planned.first(of, "added")] == [
        ("new@example.test", "role"),
        ("new@example.test", "status"),
    ]
    assert [
        (one["mail"], one["before"], one["after"])
        for one in planned.first(of, "removed")
        if one["mail"] == gone.email
    ] == [(gone.email, "active", "inactive")]


def test_the_page_shows_first_what_would_be_removed_and_the_others_by_kind(plan, by):
    client, page = signed_in(User.objects.get(pk=by.pk)), f"/admin/jobs/import/{plan.pk}/change/"

    assert "Title of E-2" in shown(client.get(page))
    changed = client.get(f"{page}?changes=changed")
    assert "Title of E-1 =SUM(A1)" in shown(changed)
    assert b"<b>new</b>" not in client.get(f"{page}?changes=added").content
    assert client.get(f"{page}?changes=nonsense&changes_page=x").status_code == 200


def test_all_of_them_are_a_file_that_no_spreadsheet_computes(plan, own):
    caller = Caller.of(own)

    led = caller.get(f"/imports/{plan.pk}/report?which=planned_changed")
    served = caller.get(led["Location"].removeprefix(caller.address("")))
    text = b"".join(served.streaming_content).decode()

    assert text.startswith("row,id,external_id,title,field,before,after\n")
    assert "'=SUM(A1)" in text
    assert ",=SUM(A1)" not in text
    assert events(plan)[-1]["detail"] == {"which": "planned_changed"}


def test_the_api_lists_them_for_those_who_may_import(plan, own):
    address = f"/imports/{plan.pk}/changes?kind=changed"

    answer = Caller.of(own).get(address).json()

    assert (len(answer["lines"]), answer["is_cut"]) == (3, False)
    assert answer["lines"][1]["after"] == "=SUM(A1)"
    assert Caller.of(own, role="viewer").get(address).status_code == 403
    assert Caller.of(own).get(f"/imports/{plan.pk}/changes?kind=x").status_code == 422
    assert Caller.of(tenancy.organization()).get(address).status_code == 404


def test_without_a_plan_there_is_nothing_to_list(own):
    of = uploaded(csv(line("E-1", "x")), of=own)

    assert planned.first(of, "added") == []
    refused = Caller.of(own).get(f"/imports/{of.pk}/report?which=planned_added")
    assert (refused.status_code, refused.json()["code"]) == (409, "wrong_state")


def shown(answer):
    return " ".join(re.sub("<[^>]+>", " ", answer.content.decode()).split())
