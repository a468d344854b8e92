"""What a person decides about an import, and when they may not."""

import pytest

from jobs.families.transfers.imports import decide as doors
from jobs.families.transfers.imports.errors import NotApprovable, UploadRefused, WrongState
from tenancy import changes
from tenancy.access import Actor
from tenancy.acting import acting
from tenancy.errors import AccessDenied
from tenancy.scope import scope
from tests import factories
from tests.factories.imports import csv, decide, line, now, uploaded
from tests.factories.jobs import at
from tests.factories.tenancy import timeline_entry
from tests.integration.jobs.transfers.imports.looking import actions, entries, plan
from tests.threads import together

pytestmark = pytest.mark.django_db(transaction=True)


def test_60_too_many_errors_are_committed_only_once_somebody_says_so(validated, until):
    mission = factories.mission()
    rows = [line(f"E-{n}", mission.reference) for n in range(89)]
    rows += [line(f"B-{n}", mission.reference, kind="taks") for n in range(11)]
    of = validated(csv(*rows), of=mission.organization)

    with pytest.raises(NotApprovable) as refused:
        decide(doors.approve, of)
    assert (refused.value.code, refused.value.facts) == (
        "too_many_errors",
        {"found": 11, "rows": 100, "limit_percent": 10},
    )
    assert entries(of) == {}

    of = until(decide(doors.approve, of, confirm_errors=True), "completed")
    assert of.done["added"] == len(entries(of)) == 89


def test_all_rows_or_none_takes_no_error(validated):
    mission = factories.mission()
    rows = [line(f"E-{n}", mission.reference) for n in range(99)]
    bad = line("B-1", mission.reference, kind="taks")
    of = validated(csv(*rows, bad), of=mission.organization, choices={"acceptance": "all_rows"})

    with pytest.raises(NotApprovable) as refused:
        decide(doors.approve, of, confirm_errors=True)

    assert refused.value.code == "errors_not_allowed"


def test_the_same_file_again_is_asked_about(completed, validated, until):
    mission = factories.mission()
    file = csv(line("E-1", mission.reference))
    first = completed(file, of=mission.organization)
    of = validated(file, of=mission.organization)

    with pytest.raises(NotApprovable) as refused:
        decide(doors.approve, of)
    assert refused.value.facts == {"same_as": str(first.pk)}

    of = until(decide(doors.approve, of, again=True), "completed")
    assert (of.done["added"], of.done["changed"], of.done["unchanged"]) == (0, 0, 1)


def test_what_the_check_asks_is_chosen_and_checked_again(until):
    mission = factories.mission()
    header = "external_id,mission,kind,title,starts_at,remark"
    row = f"E-1,{mission.reference},note,Title,2026-03-01T09:00:00Z,Mind the gap"
    of = until(uploaded(csv(row, header=header), of=mission.organization), "checked")
    assert [one["code"] for one in of.survey["questions"]] == ["column_undecided"]

    columns = of.choices["columns"] | {"5": "notes"}
    of = until(decide(doors.choose, of, of.choices | {"columns": columns}), "validated", "checked")
    assert (of.state, plan(of), of.choices_version) == ("validated", {"added": 1}, 2)
    of = until(decide(doors.approve, of), "completed")

    assert entries(of)["E-1"].notes == "Mind the gap"
    assert "import.mapping_saved" in actions(of)


def test_a_mapping_is_offered_for_the_next_file_with_this_header(until):
    mission = factories.mission()
    header = "external_id,mission,kind,title,starts_at,remark"
    row = f"E-1,{mission.reference},note,Title,2026-03-01T09:00:00Z,Mind the gap"
    of = until(uploaded(csv(row, header=header), of=mission.organization), "checked")
    columns = of.choices["columns"] | {"5": "notes"}
    until(decide(doors.choose, of, of.choices | {"columns": columns}), "validated")

    of = until(uploaded(csv(row, header=header), of=mission.organization), "validated", "checked")

    assert (of.state, of.choices["columns"]["5"]) == ("validated", "notes")


def test_what_words_stood_for_is_offered_with_the_mapping(until):
    mission = factories.mission()
    file = csv(line("E-1", mission.reference, kind="Aufgabe"))
    words = {"value_maps": {"kind": {"Aufgabe": "task"}}}
    of = until(uploaded(file, of=mission.organization), "validated")
    assert plan(of) == {"failed": 1}
    until(decide(doors.choose, of, of.choices | words), "validated")

    of = until(uploaded(file, of=mission.organization), "validated")

    assert (plan(of), of.choices["value_maps"]) == ({"added": 1}, words["value_maps"])


def test_a_word_whose_choice_is_gone_stands_for_nothing_any_more(until):
    mission = factories.mission()
    file = csv(line("E-1", mission.reference, kind="Aufgabe"))
    with at(mission.organization):
        entry = timeline_entry(mission, kind="errand")
    of = until(uploaded(file, of=mission.organization), "validated")
    words = {"value_maps": {"kind": {"Aufgabe": "errand"}}}
    until(decide(doors.choose, of, of.choices | words), "validated")
    with at(mission.organization):
        changes.delete(entry)

    of = until(uploaded(file, of=mission.organization), "validated")

    assert (plan(of), of.choices["value_maps"]["kind"]) == ({"failed": 1}, {})


def test_approving_needs_a_plan(until):
    of = uploaded(b"")
    with pytest.raises(WrongState):
        decide(doors.approve, of)

    of = until(of, "rejected")
    assert of.reason == "empty_file"
    with pytest.raises(WrongState):
        decide(doors.approve, of)


def test_70_cancelling_twice_says_the_same_and_after_the_end_it_is_refused(validated, completed):
    mission = factories.mission()
    here = {"of": mission.organization}
    of = validated(csv(line("E-1", mission.reference)), **here)

    assert decide(doors.cancel, of).state == "cancelled"
    assert decide(doors.cancel, of).state == "cancelled"
    assert actions(of).count("import.cancelled") == 1

    over = completed(csv(line("E-2", mission.reference)), **here)
    with pytest.raises(WrongState):
        decide(doors.cancel, over)
    assert now(over).state == "completed"


def test_a_viewer_decides_nothing(validated):
    mission = factories.mission()
    of = validated(csv(line("E-1", mission.reference)), of=mission.organization)
    viewer = factories.member(mission.organization, "viewer")

    for deed in (doors.approve, doors.cancel, doors.undo, doors.resume):
        with (
            scope(mission.organization),
            acting(Actor.user(viewer.pk), source="web"),
            pytest.raises(AccessDenied),
        ):
            deed(of)
    assert now(of).state == "validated"


def test_a_plan_that_was_approved_beforehand_is_committed_by_itself(until):
    mission = factories.mission()
    file = csv(line("E-1", mission.reference))

    of = uploaded(file, of=mission.organization, approve_when_valid=True)

    assert until(of, "completed").done["added"] == 1


def test_what_has_to_be_confirmed_waits_for_a_person_all_the_same(until):
    mission = factories.mission()
    file = csv(line("E-1", mission.reference), line("B-1", mission.reference, kind="taks"))

    of = until(uploaded(file, of=mission.organization, approve_when_valid=True), "validated")

    with pytest.raises(NotApprovable):
        decide(doors.approve, of)
    assert entries(of) == {}


def test_of_many_who_upload_at_once_no_more_wait_than_may(settings):
    settings.IMPORTS_MAX_WAITING = 2
    mission = factories.mission()
    editor = factories.member(mission.organization, "editor")
    file = csv(line("E-1", mission.reference))

    def one():
        try:
            uploaded(file, of=mission.organization, by=editor)
        except UploadRefused as refused:
            return refused.code
        return "taken"

    answers = together(*[one] * 6)

    assert sorted(answers) == ["taken"] * 2 + ["too_many_waiting"] * 4
