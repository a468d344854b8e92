import json

import pytest

from jobs.families.transfers.rules.choices import Choices, InvalidChoice

FULL = {
    "kind": "timeline",
    "format": "csv",
    "encoding": "cp1252",
    "delimiter": ";",
    "sheet": None,
    "has_header": True,
    "columns": {"0": "external_id", "1": "title", "2": None},
    "date_formats": {"3": "DD/MM/YYYY"},
    "time_zone": "Europe/Berlin",
    "ambiguous": "later",
    "empty_clears": True,
    "value_maps": {"kind": {"Aufgabe": "task"}},
    "kinds": ["briefing"],
    "notify_assignees": True,
    "mode": "replace",
    "acceptance": "all_rows",
}


def test_choices_survive_json():
    assert Choices.from_json(json.loads(json.dumps(FULL))).as_json() == FULL


def test_nothing_but_the_kind_has_to_be_chosen_at_first():
    assert Choices.from_json({"kind": "timeline"}).acceptance == "valid_rows"
    assert Choices.from_json({"kind": "roster"}).acceptance == "all_rows"


def test_a_value_may_stand_for_a_kind_that_the_organization_has_already():
    choices = FULL | {"value_maps": {"kind": {"Besprechung": "briefing"}}}

    assert "briefing" in Choices.from_json(choices).allowed("kind")


@pytest.mark.parametrize(
    ("name", "changed"),
    [
        ("kind", {"kind": "recipes"}),
        ("format", {"format": "xls"}),
        ("mode", {"mode": "sync"}),
        ("acceptance", {"acceptance": "most_rows"}),
        ("ambiguous", {"ambiguous": "both"}),
        ("columns", {"columns": {"0": "organization_id"}}),
        ("date_formats", {"date_formats": {"0": "guess"}}),
        ("time_zone", {"time_zone": "Mars/Olympus"}),
        ("time_zone", {"time_zone": "../etc/passwd"}),
        ("time_zone", {"time_zone": "Europe"}),
        ("value_maps", {"value_maps": {"title": {"a": "b"}}}),
        ("value_maps", {"value_maps": {"kind": {"Aufgabe": "chore"}}}),
        ("colour", {"colour": "red"}),
        ("", {"columns": {"first": "title"}}),
        ("", {"columns": ["title"]}),
        ("", {"value_maps": 7}),
    ],
)
def test_an_impossible_choice_is_refused_by_name(name, changed):
    with pytest.raises(InvalidChoice) as refused:
        Choices.from_json(FULL | changed)

    assert refused.value.name == name


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("sheet", "a\0"),
        ("sheet", "\ud800"),
        ("encoding", "a\0"),
        ("encoding", 5),
        ("delimiter", ["\0"]),
        ("value_maps", {"kind": {"a\0": "note"}}),
        ("has_header", "no"),
        ("empty_clears", "no"),
        ("columns", {"-1": "title"}),
        ("columns", {str(10**30): None}),
        ("date_formats", {"-1": "DD.MM.YYYY"}),
    ],
)
def test_what_no_database_keeps_or_no_file_has_is_refused(name, value):
    with pytest.raises(InvalidChoice) as refused:
        Choices.from_json({"kind": "timeline", name: value})

    assert refused.value.name == name
