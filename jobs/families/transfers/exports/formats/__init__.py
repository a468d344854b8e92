"""The formats of an export.

CSV, TSV and JSONL are what PostgreSQL writes, byte by byte. Parquet and XLSX are made of the same
bytes, a block of whole rows at a time, so that memory does not grow with the rows.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from jobs.families.transfers.exports.formats import parquet, xlsx
from jobs.families.transfers.exports.statement import Column, Shape

type Blocks = Iterator[bytes]
"""Whole rows as COPY writes them, about a megabyte at a time."""


@dataclass(frozen=True, kw_only=True)
class Format:
    """How an export is written.

    options: COPY's, given the columns. has_header: whether the first row of COPY is the header.
    encode: from COPY's bytes to the file's; as they are, without one. most_rows: of one file.
    """

    extension: str
    content_type: str
    shape: Shape
    options: Callable[[Sequence[Column]], str]
    has_header: bool = False
    encode: Callable[[Sequence[Column], Blocks], Iterator[bytes]] = lambda _, blocks: blocks
    most_rows: int | None = None


def _delimited(delimiter: str) -> Callable[[Sequence[Column]], str]:
    def options(columns: Sequence[Column]) -> str:
        # Text is always quoted: whoever sees `-5` unquoted knows that it is a number.
        texts = ", ".join(one.name for one in columns if one.type == "text")
        quoted = f", FORCE_QUOTE ({texts})" if texts else ""
        return f"FORMAT csv, HEADER, DELIMITER {delimiter}, ENCODING 'UTF8'{quoted}"

    return options


def _lines(_: Sequence[Column]) -> str:
    # COPY's text format would double every backslash. JSON has no control characters of its own,
    # so with these nothing of it is quoted.
    return "FORMAT csv, DELIMITER E'\\x01', QUOTE E'\\x02', ENCODING 'UTF8'"


def _rows(columns: Sequence[Column]) -> str:
    """For programs: an absent value is empty, an empty text is quoted."""
    texts = ", ".join(one.name for one in columns if one.type == "text")
    quoted = f", FORCE_QUOTE ({texts})" if texts else ""
    return f"FORMAT csv, ENCODING 'UTF8'{quoted}"


FORMATS: dict[str, Format] = {
    "csv": Format(
        extension="csv",
        content_type="text/csv; charset=utf-8",
        shape="cells",
        options=_delimited("','"),
        has_header=True,
    ),
    "tsv": Format(
        extension="tsv",
        content_type="text/tab-separated-values; charset=utf-8",
        shape="cells",
        options=_delimited("E'\\t'"),
        has_header=True,
    ),
    "jsonl": Format(
        extension="jsonl",
        content_type="application/x-ndjson",
        shape="objects",
        options=_lines,
    ),
    "parquet": Format(
        extension="parquet",
        content_type="application/vnd.apache.parquet",
        shape="typed",
        options=_rows,
        encode=parquet.encode,
    ),
    "xlsx": Format(
        extension="xlsx",
        content_type="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        shape="written",
        options=_rows,
        encode=xlsx.encode,
        most_rows=xlsx.MOST_ROWS,
    ),
}
