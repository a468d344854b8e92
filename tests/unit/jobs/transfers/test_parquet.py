"""Reading Parquet: typed values, and a footer that is not believed."""

# ruff: noqa: DTZ001 - a timestamp without a zone is local to the mapping's

import io
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from jobs.families.transfers.files.limits import Limits
from jobs.families.transfers.files.records import CellError
from tests.factories.upload_files import File, places


def parquet(columns: dict[str, Any], **options: Any) -> bytes:
    target = io.BytesIO()
    pq.write_table(pa.table(columns), target, **options)
    return target.getvalue()


def test_values_keep_their_types(tmp_path: Path) -> None:
    second = 1_790_000_000
    columns = {
        "text": pa.array(["x", ""]),
        "words": pa.array(["x", "y"]).dictionary_encode(),
        "number": pa.array([2**62, None]),
        "amount": pa.array([Decimal("1.50"), None]),
        "flag": pa.array([True, False]),
        "day": pa.array([date(2026, 1, 2), None]),
        "local": pa.array([second, None], pa.timestamp("s")),
        "moment": pa.array([second * 10**9, None], pa.timestamp("ns", "Europe/Berlin")),
    }
    file = File(tmp_path, parquet(columns))

    first, second_row = file.records()

    moment = datetime.fromtimestamp(second, UTC)
    assert first.cells == [
        *("x", "x", 2**62, Decimal("1.50"), True, date(2026, 1, 2)),
        *(moment.replace(tzinfo=None), moment),
    ]
    assert first.cells[6].tzinfo is None
    assert second_row.cells == ["", "y", None, None, False, None, None, None]
    assert [record.row for record in file.records()] == [1, 2]
    survey = file.survey(name="x.parquet")
    assert (survey["format"], survey["rows"], survey["questions"]) == ("parquet", 2, [])


def test_nested_columns_cannot_be_mapped(tmp_path: Path) -> None:
    columns = {"a": ["x"], "tags": [["y"]], "place": [{"lat": 1}], "raw": [b"z"]}
    file = File(tmp_path, parquet(columns))

    survey = file.survey()
    (record,) = file.records()

    assert [(w["code"], w["level"], w["column"]) for w in survey["warnings"]] == [
        ("not_mappable", "warn", "tags"),
        ("not_mappable", "warn", "place"),
        ("not_mappable", "warn", "raw"),
    ]
    assert [column["mappable"] for column in survey["columns"]] == [True, False, False, False]
    assert record.cells[0] == "x"
    assert all(isinstance(cell, CellError) for cell in record.cells[1:])


def test_a_moment_that_python_has_no_room_for_is_an_error_of_its_cell(tmp_path: Path) -> None:
    file = File(tmp_path, parquet({"at": pa.array([2**60, 0], pa.timestamp("us"))}))

    first, second = file.records()

    assert first.cells[0].code == "datetime"
    assert second.cells == [datetime(1970, 1, 1)]


@pytest.mark.parametrize("kept", [4, 50, -1, -20])
def test_a_file_that_was_cut_off_is_damaged(tmp_path: Path, kept: int) -> None:
    issue = File(tmp_path, parquet({"a": [1, 2, 3]})[:kept]).refusal()

    assert (issue.level, issue.code) == ("file", "parquet_damaged")


def test_pages_that_make_no_sense_are_damage(tmp_path: Path) -> None:
    content = bytearray(parquet({"a": [str(n) for n in range(1_000)]}, compression="none"))
    content[4:2_000] = b"\xff" * 1_996

    assert File(tmp_path, bytes(content)).refusal().code == "parquet_damaged"


def test_an_encrypted_footer_is_refused_as_such(tmp_path: Path) -> None:
    content = b"PARE" + parquet({"a": [1]})[4:-4] + b"PARE"

    assert File(tmp_path, content).refusal().code == "parquet_encrypted"


def test_more_rows_than_the_limit_are_refused_from_the_footer(tmp_path: Path) -> None:
    file = File(tmp_path, parquet({"a": pa.nulls(1_000, pa.int8())}))

    issue = file.refusal(limits=Limits(rows=999))

    assert places([issue]) == [("file", None, None, "too_many_rows")]
    assert issue.detail == {"limit": 999, "found": 1_000}


def test_more_columns_than_the_limit_are_refused(tmp_path: Path) -> None:
    file = File(tmp_path, parquet({f"c{n}": [1] for n in range(201)}))

    assert file.refusal().code == "too_many_columns"


def test_a_cell_that_is_too_long_is_named(tmp_path: Path) -> None:
    (issue,) = File(tmp_path, parquet({"a": ["x" * 70_000]})).issues()

    assert places([issue]) == [("row", 1, None, "cell_too_long")]


def test_a_row_of_nulls_is_blank(tmp_path: Path) -> None:
    file = File(tmp_path, parquet({"a": [1, None, 2]}))

    assert [record.row for record in file.records()] == [1, 3]
