"""The vectors of a timeline's file that one record decides, each with its exact code and place."""

import pytest

from jobs.families.transfers.files.issues import Issue
from jobs.families.transfers.files.records import Record, named
from jobs.families.transfers.rules.choices import Choices
from jobs.families.transfers.rules.timeline import STAGED, Converter

HEADER = ("external_id", "mission", "kind", "title", "starts_at", "ends_at", "location", "notes")
GOOD = dict(
    zip(
        HEADER,
        ("E-1", "M-1", "task", "Doors", "2026-01-01T09:00:00Z", "", "", ""),
        strict=True,
    )
)


def converter(header=HEADER, **choices) -> Converter:
    decided = {
        "kind": "timeline",
        "format": "csv",
        "time_zone": "Europe/Berlin",
        "columns": dict(enumerate(header)),
    }
    return Converter(named(header), Choices.from_json(decided | choices))


def convert(changed=None, *, header=HEADER, **choices) -> tuple[dict[str, str] | None, list[Issue]]:
    """The staged values of a good record that was changed so, and what is said about it."""
    cells = GOOD | (changed or {})
    issues: list[Issue] = []
    record = Record(2, 3, [cells[name] for name in header])
    line = converter(header, **choices).convert(record, issues)
    if line is None:
        return None, issues
    assert line.endswith(b"\n")
    return dict(zip(STAGED, line.decode()[:-1].split("\t"), strict=True)), issues


def codes(changed, **choices) -> list[tuple[str | None, str]]:
    return [(one.field, one.code) for one in convert(changed, **choices)[1]]


def test_a_good_record_becomes_a_line_of_copy():
    assert convert() == (
        {
            "row": "2",
            "line": "3",
            "key": "E-1",
            "id": r"\N",
            "mission": "M-1",
            "kind": "task",
            "title": "Doors",
            "starts_at": "2026-01-01T09:00:00+00:00",
            "ends_at": r"\N",
            "location": r"\N",
            "notes": r"\N",
            "clears": "0",
        },
        [],
    )


def test_an_error_says_where_it_is_and_what_stands_there():
    staged, [issue] = convert({"kind": "taks"})

    assert staged is None
    assert issue.level == "row"
    assert (issue.row, issue.line, issue.column, issue.letter) == (2, 3, "kind", "C")
    assert (issue.field, issue.code, issue.value) == ("kind", "choice", "taks")
    assert issue.detail["hint"] == "task"


def test_a_title_of_blanks_only_is_missing():
    assert codes({"title": "   "}) == [("title", "required")]


def test_a_kind_is_known_whatever_its_case_and_the_blanks_around_it():
    staged, issues = convert({"kind": "TASK "})

    assert (staged["kind"], issues) == ("task", [])


def test_all_errors_of_a_record_are_told_in_the_order_of_its_columns():
    changed = {"kind": "taks", "starts_at": "2026-02-30T00:00:00Z", "external_id": ""}

    assert codes(changed) == [
        ("external_id", "required"),
        ("kind", "choice"),
        ("starts_at", "datetime"),
    ]


@pytest.mark.parametrize(
    "text",
    [
        *("2026-02-30T00:00:00Z", "2025-02-29", "2026-01-01T24:00:00Z", "2026-01-01T10:00:60Z"),
        *("now", "tomorrow", "infinity", "J2461042", "2026-W01-1", "2026-01-01x10:00"),
        *("２０２６-01-01", "20260101", "2026-01-01T10:00:00,5Z", "2026-01-01T10:00:00+24:00"),
    ],
)
def test_only_a_real_date_in_the_columns_format_is_one(text):
    assert codes({"starts_at": text}) == [("starts_at", "datetime")]


def test_an_entry_must_not_end_before_it_starts():
    assert codes({"ends_at": "2026-01-01T08:59:59Z"}) == [("ends_at", "before_start")]
    assert codes({"ends_at": "2026-01-01T09:00:00Z"}) == []


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("01.02.26", "year_two_digits"),
        ("1/2/26 10:00", "year_two_digits"),
        ("0000-01-01", "datetime_range"),
        ("1899-12-31T23:59:59Z", "datetime_range"),
        ("2201-01-01", "datetime_range"),
        ("10000-01-01", "datetime_range"),
        ("2026-03-29 02:30", "local_time_missing"),
        ("2026-10-25 02:30", "local_time_ambiguous"),
    ],
)
def test_a_date_that_cannot_be_meant_says_why(text, code):
    assert codes({"starts_at": text}) == [("starts_at", code)]


@pytest.mark.parametrize(("chosen", "utc"), [("earlier", "00:30"), ("later", "01:30")])
def test_an_hour_that_occurs_twice_is_the_chosen_one(chosen, utc):
    staged, issues = convert({"starts_at": "2026-10-25 02:30"}, ambiguous=chosen)

    assert (staged["starts_at"], issues) == (f"2026-10-25T{utc}:00+00:00", [])


def test_a_column_is_read_in_the_format_that_was_chosen_for_it():
    day_first = {"date_formats": {4: "DD/MM/YYYY"}}

    assert convert({"starts_at": "25/01/2026"}, **day_first)[0]["starts_at"].startswith(
        "2026-01-24T23:00"
    )
    assert codes({"starts_at": "01/25/2026"}, **day_first) == [("starts_at", "datetime")]


@pytest.mark.parametrize(
    ("title", "length"), [("x" * 301, 301), ("👩‍👩‍👧" * 100, 500), ("e\u0301" * 301, 301)]
)
def test_a_title_is_measured_in_code_points_after_nfc(title, length):
    [issue] = convert({"title": title})[1]

    assert (issue.code, issue.detail) == ("too_long", {"found": length, "limit": 300})
    assert f"{length} characters; 300 is the most" in issue.message


def test_letters_with_combining_marks_count_as_what_they_become():
    staged, issues = convert({"title": "e\u0301" * 300})

    assert (staged["title"], issues) == ("é" * 300, [])


def test_two_writings_of_one_id_are_one_key_but_two_cases_are_two():
    composed, _ = convert({"external_id": "é-1"})
    decomposed, _ = convert({"external_id": "e\u0301-1"})
    upper, _ = convert({"external_id": "É-1"})

    assert composed["key"] == decomposed["key"] != upper["key"]


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("12a", "integer"),
        ("1.5", "integer"),
        ("１２", "integer"),
        ("1_000", "integer"),
        (str(2**63), "integer_range"),
        ("9" * 5_000, "integer_range"),
    ],
)
def test_our_id_is_a_number_that_an_id_can_be(text, code):
    header = ("id", *HEADER[1:])
    issues: list[Issue] = []
    cells = [text, *list(GOOD.values())[1:]]

    assert converter(header).convert(Record(2, 2, cells), issues) is None
    assert [(one.field, one.code) for one in issues] == [("id", code)]


def test_either_id_is_enough_and_none_is_not():
    header = ("id", *HEADER)
    convert_both = converter(header).convert
    rest = list(GOOD.values())[1:]
    issues: list[Issue] = []

    assert convert_both(Record(2, 2, ["7", "", *rest]), issues)
    assert convert_both(Record(3, 3, ["", "E-1", *rest]), issues)
    assert not issues
    assert convert_both(Record(4, 4, ["", "", *rest]), issues) is None
    assert [(one.field, one.code) for one in issues] == [("external_id", "required")]


@pytest.mark.parametrize("title", ['=HYPERLINK("http://x")', "+1", "@SUM", "\t=", "＝1"])
def test_what_looks_like_a_formula_is_text(title):
    staged, issues = convert({"title": title})

    assert (staged["title"], issues) == (title.replace("\t", r"\t"), [])


@pytest.mark.parametrize(
    ("title", "kept"), [("'tis", "'tis"), ("''", "'"), ("'=1", "=1"), ("'＝1", "＝1")]
)
def test_the_apostrophe_of_an_export_is_taken_off_once(title, kept):
    assert convert({"title": title})[0]["title"] == kept
    assert convert({"title": title}, format="jsonl")[0]["title"] == title


@pytest.mark.parametrize("title", ["<script>", "{{ 7*7 }}", "a\u202eb"])
def test_markup_is_text(title):
    assert convert({"title": title})[0]["title"] == title


@pytest.mark.parametrize(
    ("changed", "code", "level"),
    [
        ({"notes": "a\0b"}, "nul_character", "row"),
        ({"title": "\x1b[31mred"}, "control_character", "row"),
        ({"title": "two\nlines"}, "control_character", "row"),
        ({"title": "next\x85line"}, "control_character", "row"),
        ({"title": "half \ud83d"}, "control_character", "row"),
        ({"title": "a\u2028b"}, "line_separator", "warn"),
        ({"title": "M\ufffdller"}, "replacement_character", "warn"),
    ],
)
def test_characters_that_do_not_show_are_told(changed, code, level):
    staged, [issue] = convert(changed)

    assert (issue.field, issue.code, issue.level) == (*changed, code, level)
    assert (staged is None) == (level == "row")


def test_long_text_has_lines_and_a_backslash_is_one():
    staged, issues = convert({"notes": "a\tb\r\nc\\d"})

    assert (staged["notes"], issues) == (r"a\tb\r\nc\\d", [])


def test_a_value_that_stands_for_a_choice_is_that_choice():
    maps = {"value_maps": {"kind": {"Aufgabe": "task"}}}

    assert convert({"kind": "Aufgabe"}, **maps)[0]["kind"] == "task"
    assert convert({"kind": " AUFGABE"}, **maps)[0]["kind"] == "task"


def test_a_kind_that_the_organization_has_already_is_known():
    assert codes({"kind": "Briefing"}) == [("kind", "choice")]
    assert convert({"kind": "Briefing"}, kinds=["Briefing", "briefing"])[0]["kind"] == "Briefing"


@pytest.mark.parametrize(
    ("cell", "choices", "clears"),
    [
        ("", {}, "0"),
        ("", {"empty_clears": True}, "4"),
        ("(clear)", {}, "4"),
        (" (clear) ", {}, "4"),
        (None, {"format": "xlsx", "empty_clears": True}, "4"),
        (None, {"format": "jsonl", "empty_clears": True}, "0"),
        ("", {"format": "jsonl"}, "4"),
    ],
)
def test_an_empty_cell_leaves_the_field_alone_unless_it_is_told_to_empty_it(cell, choices, clears):
    location = tuple(name for name in HEADER if name not in {"ends_at", "notes"})
    staged, issues = convert({"location": cell}, header=location, **choices)

    assert (staged["location"], staged["clears"], issues) == (r"\N", clears, [])


@pytest.mark.parametrize("choices", [{}, {"empty_clears": True}])
@pytest.mark.parametrize("field", ["external_id", "mission", "kind", "title", "starts_at"])
def test_a_required_field_is_never_emptied(field, choices):
    assert codes({field: "(clear)"}, **choices) == [(field, "required")]
    assert codes({field: ""}, **choices) == [(field, "required")]


def test_a_column_that_is_not_in_the_file_is_left_alone():
    header = HEADER[:5]

    assert convert(header=header, empty_clears=True)[0]["clears"] == "0"


def test_a_record_that_could_not_be_read_is_told_and_not_converted():
    broken = Issue(level="row", code="cell_count", message="Seven cells.", row=2)
    issues: list[Issue] = []

    assert converter().convert(Record(2, 2, ["x"], [broken]), issues) is None
    assert issues == [broken]


def test_a_warning_of_the_reader_goes_before_those_of_the_rules():
    extra = Issue(level="warn", code="extra_empty_cells", message="One more.", row=2)
    issues: list[Issue] = []

    assert converter().convert(Record(2, 2, list(GOOD.values()), [extra]), issues)
    assert issues == [extra]


def test_the_word_that_empties_is_a_text_where_empty_and_absent_differ():
    assert convert({"location": "(clear)"}, format="jsonl")[0]["location"] == "(clear)"


def test_a_hint_is_found_among_very_many_kinds_and_few_are_listed():
    [issue] = convert({"kind": "taks" * 20_000}, kinds=[f"kind {n}" for n in range(5_000)])[1]

    assert len(issue.detail["known"]) == 20
    assert len(issue.message) < 1_000
