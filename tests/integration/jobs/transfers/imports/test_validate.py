"""The dry run: what each row would be, against what is there; nothing is written."""

import pytest

from jobs.families.transfers.imports import decide as doors
from tenancy import changes
from tests import factories
from tests.factories.imports import HEADER, csv, decide, line
from tests.factories.jobs import at
from tests.integration.jobs.transfers.imports.looking import entries, issue, issues, plan

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_plan_tells_what_would_become_of_each_row(validated, completed):
    """The sums equal the rows of the file, and a row with an error is never called unchanged."""
    mission = factories.mission()
    here = {"of": mission.organization}
    completed(csv(*(line(f"E-{n}", mission.reference) for n in range(3))), **here)
    before = {key: vars(one) for key, one in entries(mission.organization).items()}

    of = validated(
        csv(
            line("E-0", mission.reference),
            line("E-1", mission.reference, title="Other"),
            line("E-2", mission.reference, kind="taks"),
            line("E-3", mission.reference),
        ),
        **here,
    )

    assert plan(of) == {"added": 1, "changed": 1, "unchanged": 1, "failed": 1}
    assert {key: vars(one)["title"] for key, one in entries(of).items()} == {
        key: one["title"] for key, one in before.items()
    }


def test_41_what_comes_twice_is_one_or_an_error_across_chunks_too(completed, settings):
    settings.IMPORTS_CHUNK_ROWS = 10
    mission = factories.mission()
    rows = [line(f"E-{n}", mission.reference) for n in range(100)]
    rows[50] = rows[0]
    rows[70] = line("E-0", mission.reference, title="Other values")

    of = completed(csv(*rows), of=mission.organization)

    assert issues(of) == [
        (52, 52, "external_id", "duplicate_same"),
        (72, 72, "external_id", "duplicate_key"),
    ]
    assert plan(of) == {"added": 98, "failed": 1, "skipped": 1}
    assert len(entries(of)) == 98
    assert entries(of)["E-0"].title == "Title of E-0"


def test_41_the_later_row_names_the_first_one(validated):
    mission = factories.mission()
    of = validated(
        csv(line("E-1", mission.reference), line("E-1", mission.reference, title="Other")),
        of=mission.organization,
    )

    assert issue(of).detail == {"first_row": 2}
    assert "row 2" in issue(of).message


def test_42_keys_differ_by_case_and_are_one_by_normal_form(validated):
    mission = factories.mission()
    of = validated(
        csv(
            line("E-1", mission.reference),
            line("e-1", mission.reference),
            line("caf\u00e9", mission.reference),
            line("cafe\u0301", mission.reference, title="Other"),
        ),
        of=mission.organization,
    )

    assert plan(of) == {"added": 3, "failed": 1}
    assert issues(of) == [(5, 5, "external_id", "duplicate_key")]


def test_43_a_mission_of_others_is_as_unknown_as_one_that_never_was(validated):
    mission, theirs = factories.mission(), factories.mission()
    names = [theirs.reference, str(theirs.pk), "NOWHERE", "999999999999"]
    of = validated(csv(*(line(f"E-{n}", n) for n in names)), of=mission.organization)

    with at(mission.organization):
        found = of.issues.values_list("code", "column", "message", "value")
        told = {message.replace(value, "…") for _, _, message, value in found}
        assert {(code, column) for code, column, _, _ in found} == {
            ("unknown_reference", "mission")
        }
    assert len(told) == 1


def test_43_a_mission_is_found_by_its_code_or_its_id(validated):
    mission = factories.mission()
    of = validated(
        csv(line("E-1", mission.reference), line("E-2", str(mission.pk))), of=mission.organization
    )

    assert plan(of) == {"added": 2}


def test_44_an_id_of_others_is_unknown(validated):
    mine, theirs = factories.timeline_entry(), factories.timeline_entry()
    file = csv(
        f"{mine.pk},,{mine.mission.reference},note,Mine,2026-03-01T09:00:00Z",
        f"{theirs.pk},,{mine.mission.reference},note,Theirs,2026-03-01T09:00:00Z",
        f"99999999999,,{mine.mission.reference},note,Nobody's,2026-03-01T09:00:00Z",
        header="id,external_id,mission,kind,title,starts_at",
    )

    of = validated(file, of=mine.organization)

    assert plan(of) == {"changed": 1, "failed": 2}
    assert issues(of) == [(3, 3, "id", "unknown_reference"), (4, 4, "id", "unknown_reference")]


def test_45_a_column_that_names_an_organization_is_ignored_and_said_so(completed):
    mission, other = factories.mission(), factories.organization()
    file = csv(line("E-1", mission.reference) + f",{other.pk}", header=f"{HEADER},organization_id")

    of = completed(file, of=mission.organization)

    assert entries(of)["E-1"].organization_id == mission.organization_id
    assert "not_mappable" in [one["code"] for one in of.survey["warnings"]]


def test_46_an_archived_mission_takes_nothing(validated):
    mission = factories.mission()
    with at(mission.organization):
        changes.update(mission.project, state="archived")

    of = validated(csv(line("E-1", mission.reference)), of=mission.organization)

    assert issues(of) == [(2, 2, "mission", "not_editable")]


def test_46_what_would_not_change_in_an_archived_mission_passes(completed, validated):
    mission = factories.mission()
    file = csv(line("E-1", mission.reference))
    completed(file, of=mission.organization)
    with at(mission.organization):
        changes.update(mission.project, state="archived")

    assert plan(validated(file, of=mission.organization)) == {"unchanged": 1}


def test_an_end_that_stays_must_not_lie_before_the_new_start(completed, validated):
    mission = factories.mission()
    first = line("E-1", mission.reference, ends_at="2026-03-01T10:00:00Z")
    completed(csv(first), of=mission.organization)

    later = line("E-1", mission.reference, starts_at="2026-03-02T09:00:00Z")
    of = validated(csv(later), of=mission.organization)

    assert issues(of) == [(2, 2, "ends_at", "before_start")]


def test_all_errors_of_a_row_are_told(validated):
    mission = factories.mission()
    of = validated(
        csv(line("E-0", mission.reference), "E-1,NOWHERE,note,x,2026-03-01T09:00:00Z,,,"),
        of=mission.organization,
    )

    assert of.issue_counts == [
        {"level": "row", "code": "unknown_reference", "column": "mission", "count": 1}
    ]


@pytest.mark.parametrize("chunk_rows", [1, 1000])
@pytest.mark.parametrize(
    ("first", "second"), [("W to X", "new X"), ("new X", "W to X"), ("W to X", "V to X")]
)
def test_two_rows_that_would_have_one_external_id_are_an_error(
    first, second, chunk_rows, completed, validated, until, settings
):
    """Either alone passes: one renames an entry that is there, by its id."""
    settings.IMPORTS_CHUNK_ROWS = chunk_rows
    mission = factories.mission()
    here = {"of": mission.organization}
    ids = entries(
        completed(csv(line("W", mission.reference), line("V", mission.reference)), **here)
    )

    def row(wish):
        renamed = ids.get(wish.partition(" to ")[0])
        return f"{renamed.pk if renamed else ''},{line('X', mission.reference)}"

    of = validated(csv(row(first), row(second), header=f"id,{HEADER}"), **here)
    of = until(decide(doors.approve, of, confirm_errors=True), "completed", "stopped")

    assert issues(of) == [(3, 3, "external_id", "duplicate_key")]
    assert plan(of)["failed"] == 1
    assert of.done["rows"] == of.done["added"] + of.done["changed"] == 1
