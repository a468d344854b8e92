"""Reading a sheet: the values that a person sees, and never an error read as empty."""

# ruff: noqa: DTZ001 - the times of a workbook are local to it

import io
from datetime import date, datetime
from pathlib import Path

import pytest
import python_calamine

from jobs.families.transfers.files.records import CellError
from tests.factories.upload_files import NAMES, File, places
from tests.factories.workbooks import inline, packed, parts, workbook, written


def sheet(*rows: str) -> bytes:
    """A workbook whose rows are this XML, below a header of `a` and `b`."""
    header = f'<row r="1">{inline("A1", "a")}{inline("B1", "b")}</row>'
    return packed(parts(header + "".join(rows)))


def test_rows_have_the_numbers_of_the_sheet(tmp_path: Path) -> None:
    file = File(tmp_path, written((), ("a", "b"), (1, "x"), (), (), ("", "y")))

    survey = file.survey(name="x.xlsx")

    assert [(record.row, record.line, record.cells) for record in file.records()] == [
        (3, None, [1, "x"]),
        (6, None, ["", "y"]),
    ]
    assert (survey["format"], survey["rows"], survey["blank"]) == ("xlsx", 2, 3)
    assert [column["name"] for column in survey["columns"]] == ["a", "b"]


def test_values_are_those_that_another_reader_finds(tmp_path: Path) -> None:
    book, target = workbook({"S": [("a", "b", "c", "d", "e")]})
    (page,) = book.worksheets()
    day = book.add_format({"num_format": "dd.mm.yyyy hh:mm:ss"})
    page.write_row(1, 0, ["Größe & <b>", 1.5, -3, True, "a\nb"])
    page.write_rich_string(2, 0, "one ", book.add_format({"bold": True}), "two")
    page.write_datetime(2, 1, datetime(2026, 10, 25, 2, 30, 15), day)
    page.write_formula(2, 2, "=1+1", None, 2)
    page.write_formula(2, 3, '="x"', None, "x")
    page.write_string(2, 4, "=1+1")
    book.close()
    oracle = python_calamine.load_workbook(io.BytesIO(target.getvalue())).get_sheet_by_index(0)

    records = File(tmp_path, target.getvalue()).records()

    assert [record.cells for record in records] == oracle.to_python()[1:]
    assert records[1].cells == ["one two", datetime(2026, 10, 25, 2, 30, 15), 2, "x", "=1+1"]


def test_errors_and_formulas_without_a_value_are_never_empty(tmp_path: Path) -> None:
    file = File(
        tmp_path,
        sheet(
            '<row r="5"><c r="B5" t="e"><v>#REF!</v></c></row>',
            '<row r="6"><c r="B6"><f>A1</f></c></row>',
            '<row r="7"><c r="B7"><f>A1</f><v></v></c></row>',
            '<row r="8"><c r="A8"><v>1</v></c><c r="B8" t="str"><f>A1</f><v></v></c></row>',
        ),
    )

    found = {record.row: record.cells for record in file.records()}

    uncached = CellError("formula_uncached", "formula without a value")
    assert found == {
        5: ["", CellError("cell_error", "#REF!")],
        6: ["", uncached],
        7: ["", uncached],
        8: [1, ""],
    }


def test_numbers_are_digits_or_known_to_be_rounded(tmp_path: Path) -> None:
    book, target = workbook({"S": [("a", "b", "c", "d", "e")]})
    (page,) = book.worksheets()
    zeros = book.add_format({"num_format": "00000"})
    page.write_number(1, 1, 1.0)
    page.write_number(1, 2, 123, zeros)
    page.write_boolean(1, 3, True)
    page.write_number(1, 4, 12345, zeros)
    book.close()
    long = packed(
        parts(
            f'<row r="1">{inline("A1", "a")}</row>'
            '<row r="2"><c r="A2"><v>12345678901234567890</v></c></row>'
            '<row r="3"><c r="A3"><v>123456789012345</v></c></row>'
        )
    )

    (record,) = File(tmp_path, target.getvalue()).records()
    rounded, exact = File(tmp_path, long, "long").records()

    assert record.cells == ["", 1, 123, True, 12345]
    assert [type(cell) for cell in record.cells[1:]] == [int, int, bool, int]
    assert places([*record.issues]) == [("warn", 2, None, "number_format")]
    assert (record.issues[0].column, record.issues[0].value) == ("c", "123")
    assert record.issues[0].detail == {"shown": "00123"}
    assert type(rounded.cells[0]) is float
    assert exact.cells == [123456789012345]


@pytest.mark.parametrize("flag", [False, True])
def test_days_are_those_of_the_calendar_of_the_workbook(tmp_path: Path, flag: bool) -> None:
    book, target = workbook({"S": [("a",)]}, date_1904=flag)
    (page,) = book.worksheets()
    page.write_datetime(1, 0, date(2026, 2, 28), book.add_format({"num_format": "yyyy-mm-dd"}))
    page.write_number(2, 0, 45_000)
    page.write_string(3, 0, "01.02.2026")
    book.close()

    records = File(tmp_path, target.getvalue()).records()

    assert [record.cells[0] for record in records] == [datetime(2026, 2, 28), 45_000, "01.02.2026"]


@pytest.mark.parametrize(
    ("serial", "moment"),
    [
        ("1", datetime(1900, 1, 1)),
        ("59", datetime(1900, 2, 28)),
        ("60", None),
        ("60.5", None),
        ("61", datetime(1900, 3, 1)),
        ("-1", None),
        ("0.5", None),
        ("45000.4375", datetime(2023, 3, 15, 10, 30)),
        ("2958465", datetime(9999, 12, 31)),
        ("2958466", None),
        ("1e300", None),
    ],
)
def test_serial_numbers_that_are_no_day_are_errors(
    tmp_path: Path, serial: str, moment: datetime | None
) -> None:
    styles = (
        '<styleSheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><cellXfs>'
        '<xf numFmtId="0"/><xf numFmtId="14"/></cellXfs></styleSheet>'
    )
    content = parts(
        f'<row r="1">{inline("A1", "a")}</row><row r="2"><c r="A2" s="1"><v>{serial}</v></c></row>'
    )
    content["xl/styles.xml"] = styles
    content["xl/_rels/workbook.xml.rels"] = content["xl/_rels/workbook.xml.rels"].replace(
        "</Relationships>",
        '<Relationship Id="r2" Type="http://x/styles" Target="/xl/styles.xml"/></Relationships>',
    )

    (record,) = File(tmp_path, packed(content)).records()

    assert record.cells == [moment or CellError("datetime", serial)]


def test_several_filled_sheets_are_asked_about(tmp_path: Path) -> None:
    book, target = workbook({"Empty": [], "One": [("a",), (1,)], "Two": [("b",), (2,)]})
    book.get_worksheet_by_name("Two").hide()
    book.close()
    file = File(tmp_path, target.getvalue())

    issue = file.question("choose_sheet")

    assert issue.detail == {"sheets": ["One", "Two"]}
    assert "Two (hidden)" in issue.message
    assert file.survey()["sheets"] == [
        {"name": "Empty", "hidden": False, "filled": False},
        {"name": "One", "hidden": False, "filled": True},
        {"name": "Two", "hidden": True, "filled": True},
    ]
    assert file.survey(sheet="Two")["columns"][0]["name"] == "b"
    assert file.refusal(sheet="Three").code == "sheet_unknown"


def test_one_filled_sheet_needs_no_choice(tmp_path: Path) -> None:
    book, target = workbook({"Empty": [], "One": [("a",), (1,)]})
    book.close()

    survey = File(tmp_path, target.getvalue()).survey()

    assert (survey["sheet"], survey["rows"], survey["questions"]) == ("One", 1, [])


def test_merged_cells_and_hidden_rows_are_read_and_said(tmp_path: Path) -> None:
    book, target = workbook({"S": [("a", "b"), (1, 2), (3, 4)]})
    (page,) = book.worksheets()
    page.merge_range("A4:A5", "both")
    page.write("B5", "y")
    page.set_row(1, None, None, {"hidden": True})
    book.close()
    file = File(tmp_path, target.getvalue())

    survey, records = file.survey(), file.records()

    assert [(w["code"], w["detail"]) for w in survey["warnings"]] == [
        ("hidden_rows", {"found": 1}),
        ("merged_cells", {"ranges": ["A4:A5"]}),
    ]
    assert survey["hidden_rows"] == 1
    assert [record.cells for record in records] == [[1, 2], [3, 4], ["both", ""], ["", "y"]]


def test_values_behind_the_last_column_fail_their_row(tmp_path: Path) -> None:
    (issue,) = File(tmp_path, written(("a", "b"), (1, 2, None, "stray"))).issues()

    assert places([issue]) == [("row", 2, None, "cell_count")]
    assert issue.value == "stray"


def test_cells_without_references_follow_each_other(tmp_path: Path) -> None:
    content = sheet("<row><c><v>1</v></c><c><v>2</v></c></row><row><c><v>3</v></c></row>")

    records = File(tmp_path, content).records()

    assert [(record.row, record.cells) for record in records] == [(2, [1, 2]), (3, [3, ""])]


def test_characters_that_xml_has_not_are_restored(tmp_path: Path) -> None:
    (record,) = File(tmp_path, written(("a",), ("x\x01y _x0041_",))).records()

    assert record.cells == ["x\x01y _x0041_"]


def test_a_sheet_without_a_header_may_be_asked_about(tmp_path: Path) -> None:
    file = File(tmp_path, written(("x", 5), ("y", 6)))

    assert file.question("header_missing").row == 1
    assert [record.row for record in file.records(has_header=False)] == [1, 2]


@pytest.mark.parametrize(
    ("rows", "code"),
    [((), "empty_file"), ((tuple(NAMES),), "no_rows"), (([*range(201)], (1,)), "too_many_columns")],
)
def test_what_has_no_records_or_too_many_columns_is_refused(
    tmp_path: Path, rows: tuple[tuple[str, ...], ...], code: str
) -> None:
    assert File(tmp_path, written(*rows)).refusal(has_header=True).code == code
