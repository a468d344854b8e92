"""Workbooks, JSONL and Parquet through the process that reads files, harmful ones too."""

import io
import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from jobs.families.transfers.child.parent import Child, ChildFailed, ProcessLimits
from jobs.families.transfers.child.protocol import Frame
from tests.factories.upload_files import NAMES
from tests.factories.workbooks import inline, packed, parts, written

CHOICES = {
    "kind": "timeline",
    "columns": {str(index): name for index, name in enumerate(NAMES)},
    "date_formats": {"4": "YYYY-MM-DD"},
}
VALUES = {
    "external_id": "E-1",
    "mission": "M-1",
    "kind": "task",
    "title": "x",
    "starts_at": "2026-01-01T00:00:00Z",
}
MIB = 1024 * 1024


def values(number: int) -> dict[str, str | None]:
    return {name: VALUES.get(name) for name in NAMES} | {"external_id": f"E-{number}"}


def jsonl(rows: int) -> bytes:
    return "".join(json.dumps(values(number)) + "\n" for number in range(rows)).encode()


def xlsx(rows: int) -> bytes:
    return written(NAMES, *[[*values(number).values()] for number in range(rows)])


def parquet(rows: int) -> bytes:
    target = io.BytesIO()
    found = [values(number) for number in range(rows)]
    text = {name: pa.array([one[name] for one in found], pa.string()) for name in NAMES}
    pq.write_table(pa.table(text), target)
    return target.getvalue()


def frames(folder: Path, content: bytes, verb: Any, **choices: Any) -> list[Frame]:
    upload = folder / "upload"
    upload.write_bytes(content)
    with Child(upload, verb, {"choices": CHOICES | choices}) as child:
        return list(child)


@pytest.mark.parametrize("make", [jsonl, xlsx, parquet])
def test_every_format_gives_the_same_lines(tmp_path: Path, make: Any) -> None:
    found = frames(tmp_path, make(300), "rows", format=make.__name__)

    lines = b"".join(frame.body for frame in found).decode().splitlines()
    assert found[-1].head["rows"] == 300
    assert not any(frame.head["failed"] for frame in found[:-1])
    assert [line.split("\t")[2] for line in lines] == [f"E-{number}" for number in range(300)]


@pytest.mark.parametrize("make", [jsonl, parquet])
def test_memory_does_not_grow_with_the_file(tmp_path: Path, make: Any) -> None:
    peaks = [
        frames(tmp_path, make(rows), "survey", format=make.__name__)[-1].head["peak_bytes"]
        for rows in (10_000, 100_000)
    ]

    assert peaks[1] < peaks[0] * 1.25


def test_memory_for_a_workbook_is_that_of_its_shared_strings(tmp_path: Path) -> None:
    (survey,) = frames(tmp_path, xlsx(20_000), "survey")

    assert survey.head["rows"] == 20_000
    assert survey.head["peak_bytes"] < 100 * MIB


CORNER = '<row r="1048576"><c r="XFD1048576"><v>1</v></c></row>'
HEADER = f'<row r="1">{inline("A1", "a")}</row>'
BOMBS = {
    "corner": (HEADER + CORNER, "sheet_too_large"),
    "cells": (HEADER + "<row>" + "<c><v>1</v></c>" * 2_000_000 + "</row>", "compression_ratio"),
    "blanks": (HEADER + " " * 30_000_000, "compression_ratio"),
}


@pytest.mark.parametrize("name", BOMBS)
def test_a_harmful_workbook_is_refused_within_little_memory(tmp_path: Path, name: str) -> None:
    rows, code = BOMBS[name]
    upload = tmp_path / "upload"
    upload.write_bytes(packed(parts(rows)))
    limits = ProcessLimits(memory_bytes=100 * MIB)

    with Child(upload, "survey", {"choices": {"kind": "timeline"}}, process=limits) as child:
        (refused,) = list(child)

    assert refused.head["issue"]["code"] == code


def test_shared_strings_beyond_the_memory_end_the_child_alone(tmp_path: Path) -> None:
    upload = tmp_path / "upload"
    rows = [[f"{number}-{place}" * 5 for place in range(20)] for number in range(15_000)]
    upload.write_bytes(written(*rows))
    limits = ProcessLimits(memory_bytes=24 * MIB)

    with (
        Child(upload, "survey", {"choices": {"kind": "timeline"}}, process=limits) as child,
        pytest.raises(ChildFailed) as failed,
    ):
        list(child)

    assert failed.value.code == "memory_limit"
