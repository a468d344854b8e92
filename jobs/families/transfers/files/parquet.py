"""Parquet: typed columns, in batches of a few hundred rows.

There is no header row, so rows count from 1. What the file says of itself is only believed where it
refuses: a footer of 1 KB may declare 10^12 rows, and the rows that come are counted again.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Self

import pyarrow as pa
import pyarrow.parquet as pq

from jobs.families.transfers.files.columns import columns_of, too_long_cells
from jobs.families.transfers.files.issues import Refused, refused
from jobs.families.transfers.files.limits import Limits
from jobs.families.transfers.files.records import NO_ISSUES, Cell, CellError, Record

BATCH_ROWS = 512
TROUBLE = (pa.ArrowException, OSError, ValueError, KeyError, IndexError, OverflowError, TypeError)
NO_VALUE = CellError("type", "a value of a type that no field takes")


class ParquetReader:
    """Records of one file. Raises Refused: when made, and while iterating.

    nested: the columns of a type that no field can take; their cells are not read.
    """

    def __init__(self, path: Path, limits: Limits) -> None:
        self.blank = 0
        self._limits, self._size, self._row = limits, path.stat().st_size, 0
        pa.set_cpu_count(1)
        pa.set_io_thread_count(1)
        self._open(path)
        try:
            declared = self._file.metadata.num_rows
            if declared > limits.rows:
                raise _too_many(declared, limits)
            self._declared = max(1, declared)
            schema = self._file.schema_arrow
            if len(set(schema.names)) < len(schema.names):
                raise refused(
                    "duplicate_column", "Two columns of this Parquet file have the same name."
                )
            self.columns = columns_of(Record(1, None, schema.names), has_header=True, limits=limits)
            taken = [_takes(kind) for kind in schema.types]
            self.nested = [c for c, takes in zip(self.columns, taken, strict=True) if not takes]
        except BaseException:
            self._file.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self._file.close()

    @property
    def position(self) -> int:
        """About how many bytes of the file are behind us."""
        return int(self._size * min(1.0, self._row / self._declared))

    def __iter__(self) -> Iterator[Record]:
        names = {column.name for column in self.nested}
        read = [column for column in self.columns if column.name not in names]
        width = len(self.columns)
        for batch in self._batches([column.name for column in read]):
            columns: list[list[Cell]] = [[NO_VALUE] * batch.num_rows] * width
            for place, column in enumerate(read):
                columns[column.index] = _values(batch.column(place))
            for cells in map(list, zip(*columns, strict=True)):
                self._row += 1
                if all(cell is None or cell is NO_VALUE for cell in cells):
                    self.blank += 1
                    continue
                record = Record(self._row, None, cells)
                record.issues = too_long_cells(record, self.columns, self._limits) or NO_ISSUES
                yield record

    def _batches(self, names: list[str]) -> Iterator[Any]:
        batches = self._file.iter_batches(BATCH_ROWS, columns=names, use_threads=False)
        while True:
            try:
                batch = next(batches, None)
            except TROUBLE as error:
                raise _trouble(error) from None
            if batch is None:
                return
            yield batch

    def _open(self, path: Path) -> None:
        try:
            self._file = pq.ParquetFile(path, pre_buffer=False)
        except TROUBLE as error:
            raise _trouble(error) from None


def _takes(kind: Any) -> bool:
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    checks = (
        *(pa.types.is_string, pa.types.is_large_string, pa.types.is_string_view),
        *(pa.types.is_integer, pa.types.is_floating, pa.types.is_boolean, pa.types.is_decimal),
        *(pa.types.is_date, pa.types.is_timestamp, pa.types.is_null),
    )
    return any(check(kind) for check in checks)


def _values(column: Any) -> list[Cell]:
    """As Python values; a moment that Python has no room for is an error of its cell."""
    if pa.types.is_timestamp(column.type):
        column = column.cast(pa.timestamp("us", column.type.tz and "UTC"), safe=False)
    try:
        values: list[Cell] = column.to_pylist()
    except (ValueError, OverflowError):
        return [_value(scalar) for scalar in column]
    return values


def _value(scalar: Any) -> Cell:
    try:
        return scalar.as_py()
    except (ValueError, OverflowError):
        return CellError("datetime", str(scalar.value)[:40])


def _too_many(found: int, limits: Limits) -> Refused:
    return refused(
        "too_many_rows",
        f"The file declares {found:,} rows; the limit is {limits.rows:,}. Split it.",
        detail={"limit": limits.rows, "found": found},
    )


def _trouble(error: Exception) -> Refused:
    if "ncrypt" in str(error):
        return refused(
            "parquet_encrypted", "This Parquet file is encrypted. Export it without encryption."
        )
    return refused(
        "parquet_damaged",
        "This Parquet file is damaged or was cut off. Export or upload it again.",
        detail={"why": type(error).__name__},
    )
