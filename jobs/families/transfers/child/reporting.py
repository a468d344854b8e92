"""The verb `report`: write rows of the file, with their issues, in the format of the file."""

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from jobs.families.transfers.files import detect, report, report_writers
from jobs.families.transfers.files.delimited import DelimitedReader
from jobs.families.transfers.files.jsonl import JsonlReader
from jobs.families.transfers.files.records import Reader
from jobs.families.transfers.files.report import Marked
from jobs.families.transfers.files.xlsx import XlsxReader
from jobs.families.transfers.rules.choices import Choices

Progress = Callable[[Mapping[str, Any]], None]


def write(
    path: Path, records: Reader, choices: Choices, spec: Mapping[str, Any], progress: Progress
) -> int:
    """Write the report that `spec` asks for; returns how many rows are in it.

    spec: issues (a file of JSONL, sorted by row), out, and as `files.report.Wanted` has them:
    which, done, rest, left_out (a file).
    """
    left_out = Path(spec["left_out"]).read_bytes() if "left_out" in spec else b""
    wanted = report.Wanted(
        spec.get("which", "bad"),
        done=spec.get("done", 0),
        left_out=left_out,
        rest=spec.get("rest", "valid"),
    )
    found = report.marked(records, Path(spec["issues"]), wanted)
    rows = report.Counted(found, records, progress)
    _write(path, records, choices, rows, Path(spec["out"]))
    return rows.count


def _write(
    path: Path, records: Reader, choices: Choices, rows: Iterable[Marked], out: Path
) -> None:
    layout = report_writers.Layout(records.columns, _header(records, choices))
    match records:
        case DelimitedReader():
            start = detect.detect(path, chosen=choices.format).start
            report_writers.delimited(
                rows,
                out,
                layout,
                encoding=records.encoding,
                mark="\ufeff" if start.encoding == records.encoding else "",
                delimiter=records.delimiter,
            )
        case JsonlReader():
            report_writers.jsonl(rows, out, layout, encoding=records.encoding)
        case XlsxReader():
            report_writers.xlsx(rows, out, layout, sheet=records.sheet)
        case _:
            from jobs.families.transfers.files import parquet_report

            parquet_report.write(rows, out, source=path)


def _header(records: Reader, choices: Choices) -> list[Any]:
    """The file's own; a file without one gets the fields that its columns were mapped to."""
    if choices.has_header is False and not isinstance(records, JsonlReader):
        return [choices.columns.get(one.index) or one.letter for one in records.columns]
    if isinstance(records, (DelimitedReader, XlsxReader)):
        return list(records.header.cells)
    return [column.name for column in records.columns]
