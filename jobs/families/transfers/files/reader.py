"""Open a file as what it is; what nobody has chosen is found the same way each time."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from jobs.families.transfers.files import detect, dialect, encoding
from jobs.families.transfers.files.delimited import DelimitedReader
from jobs.families.transfers.files.issues import refused
from jobs.families.transfers.files.jsonl import JsonlReader
from jobs.families.transfers.files.limits import Limits
from jobs.families.transfers.files.records import Reader
from jobs.families.transfers.files.xlsx import Workbook, XlsxReader
from jobs.families.transfers.files.xlsx_book import Sheet

if TYPE_CHECKING:
    from jobs.families.transfers.files.parquet import ParquetReader

PROBE_BYTES = 1024 * 1024


class Choice(Protocol):
    """What reading needs of `rules.choices.Choices`."""

    @property
    def format(self) -> str | None: ...
    @property
    def encoding(self) -> str | None: ...
    @property
    def delimiter(self) -> str | None: ...
    @property
    def sheet(self) -> str | None: ...
    @property
    def has_header(self) -> bool | None: ...


def open_reader(
    path: Path, choices: Choice, limits: Limits, *, columns: Sequence[str] | None = None
) -> Reader:
    """A reader of the whole file.

    columns: headers as a survey found them; without them JSONL is gone through once more for its
    keys. Raises Refused, Undecodable.
    """
    found = detect.detect(path, chosen=choices.format)
    if found.format == "csv":
        return open_delimited(path, choices, limits, found.start)
    if found.format == "jsonl":
        return open_jsonl(path, choices, limits, found.start, columns)
    if found.format == "xlsx":
        workbook = Workbook(path, limits)
        return open_xlsx(workbook, workbook.sheet(choices.sheet), choices)
    return open_parquet(path, limits)


def open_jsonl(
    path: Path,
    choices: Choice,
    limits: Limits,
    start: encoding.Start,
    columns: Sequence[str] | None = None,
) -> JsonlReader:
    """A reader of JSONL, which is UTF-8 unless a mark or a person says otherwise."""
    name = encoding_of(choices, start)
    return JsonlReader(
        path,
        encoding=name,
        mark_bytes=start.mark_bytes if start.encoding == name else 0,
        limits=limits,
        columns=columns,
    )


def open_xlsx(workbook: Workbook, sheet: Sheet, choices: Choice) -> XlsxReader:
    """A reader of one sheet; closes the workbook when it is closed."""
    return XlsxReader(workbook, sheet, has_header=choices.has_header is not False)


def open_parquet(path: Path, limits: Limits) -> "ParquetReader":
    """A reader of Parquet. Its library is large, so it is loaded for a file that needs it."""
    from jobs.families.transfers.files.parquet import ParquetReader

    return ParquetReader(path, limits)


def open_delimited(
    path: Path, choices: Choice, limits: Limits, start: encoding.Start
) -> DelimitedReader:
    """A reader of CSV, in the encoding and with the delimiter that were chosen or are found."""
    name = encoding_of(choices, start)
    marked = start.encoding == name
    return DelimitedReader(
        path,
        encoding=name,
        mark_bytes=start.mark_bytes if marked else 0,
        delimiter=delimiter_of(path, choices, name, start),
        has_header=choices.has_header is not False,
        limits=limits,
    )


def encoding_of(choices: Choice, start: encoding.Start) -> str:
    """Chosen, else of the mark, else UTF-8."""
    if choices.encoding:
        return encoding.canonical(choices.encoding)
    if start.zeros:
        raise refused("encoding_unknown", "This is UTF-16 or UTF-32 without a mark: choose which.")
    return start.encoding or "utf-8"


def delimiter_of(path: Path, choices: Choice, name: str, start: encoding.Start) -> str:
    """Chosen, else found."""
    if choices.delimiter:
        if choices.delimiter not in dialect.DELIMITERS:
            raise refused(
                "delimiter",
                f"{choices.delimiter!r} cannot stand between cells; use a comma, a semicolon, a "
                "tab or a bar.",
            )
        return choices.delimiter
    if choices.format == "tsv":
        return "\t"
    return dialect.delimiter_of(probe(path, name, start))


def probe(path: Path, name: str, start: encoding.Start) -> str:
    """The beginning of a text, as far as it can be decoded."""
    with path.open("rb") as file:
        head = file.read(PROBE_BYTES)
    return head[start.mark_bytes :].decode(name, "replace")
