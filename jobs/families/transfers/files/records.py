"""A record as it stands in the file, before any rule looks at it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, Self

from jobs.families.transfers.files.issues import Issue

Cell = Any
"""str, int, float, bool, datetime, date, Decimal, None (absent), CellError, or nested lists and
dictionaries. CSV has text only, never None: an empty cell is ""."""

NO_ISSUES: Sequence[Issue] = ()


@dataclass(frozen=True, slots=True)
class Column:
    """A column of the file: its place from 0, its letter, its header ("" when it has none)."""

    index: int
    letter: str
    name: str


@dataclass(frozen=True, slots=True)
class CellError:
    """A cell of a workbook that has no value: "#REF!", or a formula that was never computed.

    code: `cell_error`, `formula_uncached`, `number_precision` or `datetime`; text: what to show.
    """

    code: str
    text: str


@dataclass(slots=True)
class Record:
    """One record.

    row: its number as a spreadsheet counts, blank lines and the header included.
    line: the physical line on which it begins, in formats of lines.
    cells: as many as there are columns, unless an issue of level "row" says otherwise.
    issues: found while reading; one of level "row" means that the cells are not to be trusted.
    raw: the text of a record that could not be split.
    """

    row: int
    line: int | None
    cells: list[Cell]
    issues: Sequence[Issue] = NO_ISSUES
    raw: str | None = None

    @property
    def failed(self) -> bool:
        """Whether reading it went wrong."""
        return any(issue.level == "row" for issue in self.issues)


class Reader(Protocol):
    """Reads one file, once, from its first record to its last; memory does not grow with it.

    Raises Refused while iterating too, where a fault of the whole file shows only then.
    blank: how many blank records were skipped so far; they count in `row`.
    position: how many bytes of the file are behind us.
    """

    columns: list[Column]
    blank: int

    @property
    def position(self) -> int: ...

    def __iter__(self) -> Iterator[Record]: ...
    def __enter__(self) -> Self: ...
    def __exit__(self, *exc: object) -> None: ...


def letter(index: int) -> str:
    """The letter of a column, from its place: 0 is A, 26 is AA."""
    letters = ""
    index += 1
    while index:
        index, rest = divmod(index - 1, 26)
        letters = chr(ord("A") + rest) + letters
    return letters


def named(names: Sequence[str]) -> list[Column]:
    """Columns from their headers."""
    return [Column(index, letter(index), name) for index, name in enumerate(names)]
