"""A file in mode `replace` is the whole timeline of each mission that it names."""

from datetime import UTC, datetime

import pytest

from jobs.families.transfers.imports import decide as doors
from jobs.families.transfers.imports import files
from jobs.families.transfers.imports.errors import NotApprovable
from jobs.families.transfers.models import JournalChange, RowIssue
from jobs.families.transfers.store import store
from tenancy import changes
from tenancy.models import Mission, Project, TimelineEntry
from tests import factories
from tests.factories.imports import csv, decide, line, now
from tests.factories.jobs import at
from tests.integration.jobs.transfers.imports.looking import (
    actions,
    chunks,
    entries,
    events,
    issues,
    plan,
    sql,
)

pytestmark = pytest.mark.django_db(transaction=True)

REPLACE = {"mode": "replace"}


@pytest.fixture
def mission():
    return factories.mission()


@pytest.fixture
def own(mission):
    return mission.organization


@pytest.fixture
def there(redis_url, booted, mission, own):
    """Fifteen entries of the mission, E-0 to E-14, as a file of `line` would have them."""
    with at(own):
        changes.create_many([entry(mission, f"E-{n}") for n in range(15)])


@pytest.fixture
def replacing(validated, mission, own, there):
    """A plan of a file that has these entries and no others, in mode `replace`."""

    def replacing(*numbers, **more):
        rows = (line(f"E-{n}", mission.reference) for n in numbers)
        return validated(csv(*rows), of=own, **({"choices": REPLACE} | more))

    return replacing


def entry(mission, key):
    """What `line` says of this key."""
    return TimelineEntry(
        organization_id=mission.organization_id,
        mission=mission,
        external_id=key,
        kind="note",
        title=f"Title of {key}",
        starts_at=datetime(2026, 3, 1, 9, tzinfo=UTC),
    )


def keys(own):
    return {key: one.title for key, one in entries(own).items()}


def test_what_the_file_does_not_have_is_removed(replacing, until, own):
    of = replacing(*range(1, 15), 20)

    assert plan(of) == {"added": 1, "unchanged": 14, "removed": 1}
    of = until(decide(doors.approve, of), "completed", "stopped")

    assert set(keys(own)) == {f"E-{n}" for n in (*range(1, 15), 20)}
    assert (of.done["removed"], of.done["added"]) == (1, 1)


def test_an_update_removes_nothing(replacing, until, own):
    of = replacing(1, choices={})
    until(decide(doors.approve, of), "completed")

    assert (plan(of), len(keys(own))) == ({"unchanged": 1}, 15)


def test_missions_that_the_file_does_not_name_lose_nothing(replacing, until, mission):
    own = mission.organization
    with at(own):
        other = changes.create(
            Mission(organization=own, project=mission.project, reference="M-2", title="Other")
        )
        changes.create(entry(other, "O-1"))

    until(decide(doors.approve, replacing(*range(1, 15))), "completed")

    assert "O-1" in keys(own)


def test_an_entry_that_the_file_moves_to_another_mission_is_not_removed(there, validated, mission):
    own = mission.organization
    with at(own):
        changes.create(
            Mission(organization=own, project=mission.project, reference="M-2", title="Other")
        )
    rows = [line(f"E-{n}", mission.reference) for n in range(14)] + [line("E-14", "M-2")]

    of = validated(csv(*rows), of=own, choices=REPLACE)

    assert plan(of) == {"changed": 1, "unchanged": 14}


def test_missions_of_archived_projects_lose_nothing(replacing, mission, own):
    with at(own):
        changes.update(Project.objects.get(pk=mission.project_id), state="archived")

    assert plan(replacing(1, 2)) == {"unchanged": 2}


def test_other_organizations_lose_nothing_although_their_missions_are_named_alike(
    validated, until, own
):
    theirs = factories.mission(reference="ALIKE")
    with at(theirs.organization):
        changes.create(entry(theirs, "T-1"))
    with at(own):
        changes.create(
            Mission(
                organization=own,
                project=Project.objects.get(organization=own),
                reference="ALIKE",
                title="Alike",
            )
        )
    of = validated(csv(line("A-1", "ALIKE")), of=own, choices=REPLACE)
    until(decide(doors.approve, of), "completed")

    assert set(keys(theirs.organization)) == {"T-1"}


def test_many_removals_are_approved_by_their_number(replacing, until, own):
    of = replacing(1, 2, 3, 4)
    facts = {"removals": 11, "entries": 15, "share_percent": 73}

    for typed in (None, 10):
        with pytest.raises(NotApprovable) as refused:
            decide(doors.approve, of, confirm_removals=typed)
        assert (refused.value.code, refused.value.facts) == ("many_removals", facts)
    assert len(keys(own)) == 15

    until(decide(doors.approve, now(of), confirm_removals=11), "completed")
    assert len(keys(own)) == 4


def test_each_that_would_go_is_told_by_its_id_and_title(replacing):
    of = replacing(*range(1, 15))

    with at(of.organization_id):
        [told] = RowIssue.objects.filter(organization_id=of.organization_id, of_import=of)
    assert (told.code, told.row, told.value) == ("not_listed", 0, "E-0")
    assert "“Title of E-0” is removed" in told.message
    assert [one["count"] for one in of.issue_counts if one["code"] == "not_listed"] == [1]


def test_nothing_is_removed_while_a_row_has_an_error(replacing, validated, mission, own):
    """What it means may be one of those that seem to be left out."""
    rows = csv(line("E-1", mission.reference), line("E-2", "NO-SUCH-MISSION"))
    of = validated(rows, of=own, choices=REPLACE)

    assert (of.plan["removed"], of.plan["failed"]) == (0, 1)
    with pytest.raises(NotApprovable) as refused:
        decide(doors.approve, of, confirm_errors=True)
    assert refused.value.code == "errors_not_allowed"


def test_67_removals_that_differ_from_the_approved_ones_go_back_to_review(
    replacing, until, mission, own
):
    of = replacing(*range(1, 15))
    with at(own):
        changes.create(entry(mission, "LATE"))

    of = until(decide(doors.approve, of), "validated", "completed", "stopped")

    assert (of.state, of.problem["code"]) == ("validated", "plan_changed")
    assert of.problem["detail"] == {"removed": {"approved": 1, "now": 2}}
    assert [code for _, _, _, code in issues(of)] == ["not_listed", "not_listed"]
    assert (actions(of)[-1], of.approved_by, chunks(of)) == ("import.plan_changed", "", [])
    assert len(keys(own)) == 16

    until(decide(doors.approve, of), "completed")
    assert len(keys(own)) == 14


def test_67_a_choice_after_the_plan_makes_it_void(replacing, until, own):
    of = replacing(*range(1, 15))

    of = until(decide(doors.choose, of, of.choices | {"mode": "update"}), "validated")

    assert plan(of) == {"unchanged": 14}


def test_67_a_file_that_is_another_by_the_commit_stops_it(replacing, until, own):
    of = replacing(*range(1, 15))
    store().put(files.upload(of), [b"external_id,mission\n"])

    of = until(decide(doors.approve, of), "stopped", "completed")

    assert (of.reason, len(keys(own))) == ("file_changed", 15)


def test_removals_are_chunks_after_those_of_the_rows(replacing, until, settings, own):
    settings.IMPORTS_CHUNK_ROWS = 4
    of = decide(doors.approve, replacing(*range(5)), confirm_removals=10)
    of = until(of, "completed", "stopped")

    assert [(one.number, one.removed) for one in chunks(of)] == [
        (1, 0),
        (2, 0),
        (3, 4),
        (4, 4),
        (5, 2),
    ]
    told = [one["detail"] for one in events(of) if one["action"] == "import.chunk_committed"]
    assert [one.get("removed") for one in told[2:]] == [4, 4, 2]
    assert (of.done["removed"], len(keys(own))) == (10, 5)


def test_removals_that_were_interrupted_go_on_with_those_that_are_left(
    replacing, until, settings, own
):
    """A slice of no length: each chunk is a job of its own."""
    settings.IMPORTS_CHUNK_ROWS, settings.IMPORTS_SLICE_SECONDS = 4, 0
    of = decide(doors.approve, replacing(*range(5)), confirm_removals=10)
    of = until(of, "completed", "stopped")

    assert (of.done["removed"], len(keys(own))) == (10, 5)


def test_undoing_it_brings_back_what_it_removed(replacing, until, own):
    before = keys(own)
    of = until(decide(doors.approve, replacing(*range(5)), confirm_removals=10), "completed")
    assert decide(doors.plan_undo, of).counts == {"deleted": 0, "restored": 10, "kept": 0}

    of = until(decide(doors.undo, of), "undone", "stopped")

    assert keys(own) == before
    assert of.undo == {"deleted": 0, "restored": 10, "kept": 0}
    assert sql(of, "SELECT count(*) FROM tenancy_timelineentry WHERE title IS NULL") == 0


def test_what_exists_again_by_then_is_kept(replacing, completed, until, mission, own):
    of = until(decide(doors.approve, replacing(*range(1, 15))), "completed")
    completed(csv(line("E-0", mission.reference, title="Anew")), of=own)

    of = until(decide(doors.undo, of), "undone", "stopped")

    assert (keys(own)["E-0"], of.undo["kept"]) == ("Anew", 1)
    assert [(row, code) for row, _, _, code in issues(of) if code == "kept"] == [(0, "kept")]


def test_an_entry_that_was_removed_stands_in_the_journal(replacing, until):
    of = until(decide(doors.approve, replacing(*range(1, 15))), "completed")

    with at(of.organization_id):
        [change] = JournalChange.objects.filter(import_id=of.pk)
    assert (change.kind, change.row, change.before["external_id"]) == ("removed", None, "E-0")
