"""Headers and fields: what is matched, and what a person is asked."""

import pytest

from jobs.families.transfers.files.issues import Issue
from jobs.families.transfers.files.records import named
from jobs.families.transfers.rules import mapping
from jobs.families.transfers.rules.choices import Choices
from jobs.families.transfers.rules.date_formats import Formats, Found

HEADER = ("external_id", "mission", "kind", "title", "starts_at", "ends_at", "location", "notes")


def asked(header, dates=None, **choices) -> list[Issue]:
    columns = named(header)
    decided = {"kind": "timeline", "columns": mapping.propose("timeline", columns)} | choices
    return mapping.questions(columns, Choices.from_json(decided), dates or {})


def codes(header, dates=None, **choices) -> list[tuple[str | None, str]]:
    return [(one.letter, one.code) for one in asked(header, dates, **choices)]


def seen(*texts) -> Found:
    formats = Formats()
    for row, text in enumerate(texts, start=2):
        formats.see(text, row)
    found = formats.found()
    assert found is not None
    assert Found.from_json(found.as_json()) == found
    return found


def test_our_own_header_asks_nothing():
    assert mapping.propose("timeline", named(HEADER)) == dict(enumerate(HEADER))
    assert asked(HEADER) == []


@pytest.mark.parametrize(
    "header",
    [
        ("External ID", "MISSION", "Kind ", "title", "Starts-At", "ends at", "Location", "Notes"),
        ("Kennung", "Einsatz", "Art", "Titel", "Beginn", "Ende", "Ort", "Bemerkungen"),
        ("Clé", "Code mission", "Catégorie", "Intitulé", "Début", "Fin", "Lieu", "Remarques"),
        ("key", "mission code", "type", "subject", "start time", "until", "place", "comment"),
    ],
)
def test_headers_are_matched_whatever_their_case_punctuation_and_language(header):
    assert mapping.propose("timeline", named(header)) == dict(enumerate(HEADER))
    assert asked(header) == []


def test_every_synonym_is_written_as_folding_leaves_it_and_means_one_field():
    for kind, all_fields in mapping.fields.FIELDS.items():
        every = [name for one in all_fields for name in one.synonyms]
        assert every == [mapping.fold(name) for name in every], kind
        names = [mapping.fold(one.name) for one in all_fields]
        assert len(set(every + names)) == len(every + names), kind


def test_an_exact_header_goes_before_a_similar_one():
    header = (*HEADER, "name")

    assert mapping.propose("timeline", named(header))[3] == "title"
    assert codes(header) == [("I", "column_undecided")]


@pytest.mark.parametrize("second", ["title", "Title", "title "])
def test_two_columns_of_one_name_wait_for_a_choice(second):
    header = ("external_id", "mission", "kind", "title", "starts_at", second)
    chosen = {**mapping.propose("timeline", named(header)), 3: "title", 5: None}
    [_, question] = asked(header)

    assert codes(header) == [(None, "required_column"), ("D", "duplicate_column")]
    assert question.level == "question"
    assert question.detail == {"letters": ["D", "F"]}
    assert codes(header, columns=chosen) == []
    assert codes(header, columns=chosen | {5: "title"}) == [("D", "duplicate_column")]


def test_two_columns_of_one_name_that_nobody_uses_are_no_matter():
    header = (*HEADER, "colour", "colour")
    left_out = mapping.propose("timeline", named(header)) | {8: None, 9: None}

    assert codes(header, columns=left_out) == []


def test_a_column_without_a_name_may_be_the_one_that_is_missing():
    header = ("external_id", "mission", "", "title", "starts_at")
    given = mapping.propose("timeline", named(header)) | {2: "kind"}

    assert [(one.code, one.field) for one in asked(header)] == [("required_column", "kind")]
    assert asked(header, columns=given) == []


def test_a_timeline_needs_one_of_two_ids():
    assert [(one.code, one.field) for one in asked(HEADER[1:])] == [
        ("required_column", "external_id")
    ]
    assert asked(("id", *HEADER[1:])) == []


def test_a_file_cannot_say_which_organization_its_rows_belong_to():
    header = (*HEADER, "organization_id", "Organization ID")
    warned = mapping.warnings(named(header))
    forced = mapping.propose("timeline", named(header)) | {8: "notes", 7: None}

    assert [(one.level, one.code, one.letter) for one in warned] == [
        ("warn", "not_mappable", "I"),
        ("warn", "not_mappable", "J"),
    ]
    assert asked(header) == []
    assert codes(header, columns=forced) == [("I", "not_mappable")]


def test_the_columns_of_a_report_are_ours_and_ignored():
    header = (*HEADER, "_row", "_line", "_status", "_errors", "_warnings", "_raw")

    assert asked(header) == []
    assert mapping.warnings(named(header)) == []


def test_dates_that_can_be_read_in_two_ways_are_asked_about():
    [question] = asked(HEADER, {4: seen("01/02/2026", "03/04/2026")})

    assert (question.level, question.code) == ("question", "date_format_ambiguous")
    assert (question.letter, question.field) == ("E", "starts_at")
    assert question.detail["options"] == ["DD/MM/YYYY", "MM/DD/YYYY"]


def test_one_date_decides_for_its_column():
    dates = {4: seen("01/02/2026", "25/01/2026", "now", "")}

    assert asked(HEADER, dates) == []
    assert mapping.date_formats(dates) == {4: "DD/MM/YYYY"}


def test_dates_that_contradict_each_other_are_named():
    dates = {4: seen("25/01/2026", "01/25/2026")}
    [question] = asked(HEADER, dates)

    assert (question.level, question.code) == ("question", "date_format_conflict")
    assert question.detail["rows"] == [2, 3]
    assert "25/01/2026 in row 2" in question.message
    assert "01/25/2026 in row 3" in question.message
    assert asked(HEADER, dates, date_formats={4: "DD/MM/YYYY"}) == []


def test_the_row_that_ruled_a_format_out_is_named_not_the_first_row():
    found = seen("01/02/2026", "25/01/2026", "01/25/2026")

    assert (found.conflict, found.left) == ((3, 4), ())


def test_dates_of_a_column_that_goes_to_no_date_are_not_asked_about():
    assert asked(HEADER, {3: seen("01/02/2026")}) == []


@pytest.mark.parametrize(
    ("text", "formats"),
    [
        ("2026-01-02T03:04:05+01:00", {"YYYY-MM-DD"}),
        ("2026/01/02", {"YYYY/MM/DD"}),
        ("1.2.2026, 9:05", {"DD.MM.YYYY"}),
        ("30/02/2026", {"DD/MM/YYYY"}),
        ("31-12-2026", {"DD-MM-YYYY"}),
        ("12/31/2026 23:59:59", {"MM/DD/YYYY"}),
    ],
)
def test_a_text_fits_the_formats_that_its_numbers_allow(text, formats):
    assert set(seen(text).options) == formats


@pytest.mark.parametrize("text", ["", "now", "²", "1/2/26", "20260101", "E-1"])
def test_a_value_that_is_no_date_says_nothing_about_its_column(text):
    formats = Formats()
    formats.see(text, 2)

    assert formats.found() is None


def test_a_mapping_is_found_again_for_the_same_headers_only():
    known = mapping.fingerprint("timeline", named(HEADER))

    assert known == mapping.fingerprint("timeline", named([one.upper() for one in HEADER]))
    assert known != mapping.fingerprint("timeline", named(HEADER[::-1]))
    assert known != mapping.fingerprint("roster", named(HEADER))
    assert mapping.fingerprint("timeline", named("#")) != mapping.fingerprint(
        "timeline", named("%")
    )
