"""What is in the file of each format, and that nothing is lost on the way."""

import csv
import io
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pyarrow.parquet
import pytest
from python_calamine import CalamineWorkbook

from jobs.families.transfers.exports.formats import FORMATS
from jobs.families.transfers.exports.statement import SOURCES
from jobs.families.transfers.rules import fields
from jobs.families.transfers.rules.formula import unescape
from tenancy import members
from tenancy.models import Membership
from tests.factories import tenancy as make

from .conftest import STARTS, House

type Exported = Callable[..., bytes]

TEXTS = [
    '=HYPERLINK("http://x")',
    "+1",
    "-5",
    "@SUM",
    "\t=1",
    "＝1",
    "'tis",
    "'",
    "'=1",
    "plain",
    'a "quoted", text',
    "two\nlines\r\nand a\rthird",
    "\\N \\. back\\slash",
    "ö 日本 🙂",
    "  =spaces",
]


def rows_of(content: bytes, delimiter: str = ",") -> list[dict[str, str]]:
    text = io.StringIO(content.decode(), newline="")
    return list(csv.DictReader(text, delimiter=delimiter, strict=True))


@pytest.mark.parametrize(("format_name", "delimiter"), [("csv", ","), ("tsv", "\t")])
def test_text_that_a_spreadsheet_would_compute_is_marked_and_comes_back(
    house: House, exported: Exported, format_name: str, delimiter: str
) -> None:
    house.entries(*({"title": text} for text in TEXTS))

    found = [row["title"] for row in rows_of(exported(format_name), delimiter)]

    assert [unescape(cell) for cell in found] == TEXTS
    assert not any(cell.lstrip(" ")[:1] in "=+-@\t\r＝＋－＠" for cell in found)
    assert found[6:9] == ["''tis", "''", "''=1"]


def test_numbers_and_moments_are_not_marked_and_text_is_always_quoted(
    house: House, exported: Exported
) -> None:
    [entry] = house.entries({"external_id": "E-1", "location": "Hall", "kind": "task"})

    [_, line] = exported("csv").decode().splitlines()

    assert line == (f'"E-1",{entry.pk},"M-1","task","Briefing",2026-03-01T09:00:00Z,,"Hall",""')


def test_a_moment_is_rfc_3339_in_utc_with_its_fraction(house: House, exported: Exported) -> None:
    house.entries({"starts_at": datetime(2026, 3, 1, 9, 0, 0, 120, tzinfo=UTC)})

    [row] = rows_of(exported("csv"))

    assert row["starts_at"] == "2026-03-01T09:00:00.000120Z"


def test_jsonl_tells_absent_from_empty_and_changes_no_text(
    house: House, exported: Exported
) -> None:
    entries = house.entries(*({"title": text} for text in TEXTS), {"external_id": "E", "notes": ""})

    lines = exported("jsonl").decode().split("\n")

    found = [json.loads(line) for line in lines if line]
    assert [one["title"] for one in found[:-1]] == TEXTS
    assert found[-1] == {
        "external_id": "E",
        "id": entries[-1].pk,
        "mission": "M-1",
        "kind": "note",
        "title": "Briefing",
        "starts_at": "2026-03-01T09:00:00Z",
        "ends_at": None,
        "location": "",
        "notes": "",
    }
    assert found[0]["external_id"] is None


def test_parquet_has_types_and_tells_absent_from_empty(house: House, exported: Exported) -> None:
    house.entries(*({"title": text} for text in TEXTS), {"external_id": "E", "ends_at": STARTS})

    table = pyarrow.parquet.read_table(io.BytesIO(exported("parquet")))

    assert [str(one.type) for one in table.schema][:6] == [
        *("string", "int64", "string", "string", "string"),
        "timestamp[us, tz=UTC]",
    ]
    found = table.to_pylist()
    assert [one["title"] for one in found[:-1]] == TEXTS
    assert found[0]["external_id"] is None
    assert (found[-1]["external_id"], found[-1]["notes"]) == ("E", "")
    assert (found[-1]["starts_at"], found[-1]["ends_at"]) == (STARTS, STARTS)


@pytest.mark.parametrize("fields_asked", [["ends_at"], ["title", "id"]], ids=str)
def test_parquet_keeps_every_row_even_of_one_empty_column(
    house: House, exported: Exported, fields_asked: list[str]
) -> None:
    house.entries({}, {}, {})

    table = pyarrow.parquet.read_table(io.BytesIO(exported("parquet", fields=fields_asked)))

    assert (table.num_rows, table.column_names) == (3, fields_asked)


def test_xlsx_has_text_as_text_and_our_ids_as_numbers(house: House, exported: Exported) -> None:
    texts = [text for text in TEXTS if "\r" not in text]
    entries = house.entries(*({"title": text} for text in texts))

    book = CalamineWorkbook.from_filelike(io.BytesIO(exported("xlsx")))

    header, *found = book.get_sheet_by_index(0).to_python()
    assert header == [one.name for one in SOURCES["timeline"].columns]
    assert [row[4] for row in found] == texts
    assert [int(row[1]) for row in found] == [one.pk for one in entries]
    assert found[0][5] == "2026-03-01T09:00:00Z"


def test_a_text_that_no_cell_of_excel_can_hold_is_told_and_not_cut(
    house: House, work: Callable[[], None]
) -> None:
    house.entries({"notes": "x" * 40_000})
    export = house.ask("xlsx")

    work()

    assert (house.now(export).state, house.now(export).error) == ("failed", "cell_too_long")
    assert "40,000 characters" in house.job(export).error_message


def test_what_ends_an_export_may_come_while_most_rows_are_still_to_be_read(
    house: House, work: Callable[[], None]
) -> None:
    """The connection that would undo it is still in the middle of a COPY then."""
    house.entries({"notes": "x" * 40_000}, *({"notes": "y" * 30_000} for _ in range(80)))
    export = house.ask("xlsx")

    work()

    assert (house.now(export).state, house.now(export).error) == ("failed", "cell_too_long")


def test_more_rows_than_a_sheet_has_are_refused_before_anything_is_written(
    house: House, work: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(FORMATS, "xlsx", replace(FORMATS["xlsx"], most_rows=2))
    house.entries({}, {}, {})
    export = house.ask("xlsx")

    work()

    assert (house.now(export).state, house.now(export).error) == ("failed", "too_many_rows")


def test_fields_come_in_the_order_that_was_asked_for(house: House, exported: Exported) -> None:
    house.entries({"title": "One"})

    assert exported("csv", fields=["title", "mission"]) == b'title,mission\n"One","M-1"\n'


@pytest.mark.parametrize(
    ("filters", "titles"),
    [
        ({"kind": "task"}, ["task"]),
        ({"starts_from": "2026-03-02T00:00:00+00:00"}, ["later"]),
        ({"starts_until": "2026-03-01T09:00:00+00:00"}, []),
        ({"starts_until": "2026-03-01T09:00:01+00:00"}, ["note", "task"]),
        ({}, ["note", "task", "later"]),
    ],
)
def test_filters_narrow_what_is_exported(
    house: House, exported: Exported, filters: dict[str, Any], titles: list[str]
) -> None:
    house.entries(
        {"title": "note"},
        {"title": "task", "kind": "task"},
        {"title": "later", "starts_at": datetime(2026, 3, 2, tzinfo=UTC)},
    )

    found = exported("jsonl", filters=filters).splitlines()

    assert [json.loads(line)["title"] for line in found] == titles


def test_one_mission_and_one_project_can_be_exported_alone(
    house: House, exported: Exported
) -> None:
    elsewhere = make.mission(make.project(house.organization))
    make.timeline_entry(elsewhere, title="Elsewhere")
    house.entries({"title": "Here"})

    by_mission = exported("jsonl", filters={"mission_id": house.mission.pk})
    by_project = exported("jsonl", filters={"project_id": elsewhere.project_id})

    assert json.loads(by_mission)["title"] == "Here"
    assert json.loads(by_project)["title"] == "Elsewhere"


def test_a_roster_has_who_belongs_to_the_organization_and_who_is_invited(
    house: House, exported: Exported
) -> None:
    make.member(house.organization, role="viewer", email="Amir@roster.example", name="Amir")
    gone = make.member(house.organization, role="editor", email="zoe@roster.example", name="Zoe")
    make.collaborator(house.organization, email="listed@example.org")
    house.act(lambda: members.deactivate(Membership.objects.get(user=gone)))
    house.act(lambda: members.invite(house.organization.pk, email="new@example.org", role="viewer"))

    found = {row["mail"]: row for row in rows_of(exported("csv", kind="roster"))}

    assert found["amir@roster.example"] == {
        "mail": "amir@roster.example",
        "name": "Amir",
        "role": "viewer",
        "status": "active",
    }
    assert found["zoe@roster.example"]["status"] == "inactive"
    assert (found["new@example.org"]["status"], found["new@example.org"]["role"]) == (
        "invited",
        "viewer",
    )
    assert len(found) == 4  # the admin who exports is the fourth


def test_every_column_is_a_field_that_an_import_reads() -> None:
    for kind, source in SOURCES.items():
        names = [one.name for one in source.columns]
        read = [one.name for one in fields.FIELDS[kind]]
        assert [one for one in read if one in names] == names
    assert len(SOURCES["timeline"].columns) == len(fields.TIMELINE)
