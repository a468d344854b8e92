"""Parquet from the rows of COPY: read a block at a time, written a row group at a time, zstd."""

import io
from collections.abc import Iterator, Sequence

import pyarrow as pa
from pyarrow import csv, parquet

from jobs.families.transfers.exports.statement import Column, Type

# What is kept until a row group is written: fewer rows make files that are slow to read.
GROUP_ROWS = 100_000
GROUP_BYTES = 32 * 1024 * 1024

DIFFERENCES = "DELTA_BINARY_PACKED"

TYPES: dict[Type, pa.DataType] = {
    "text": pa.string(),
    "integer": pa.int64(),
    "moment": pa.timestamp("us", tz="UTC"),
}


class _Pieces(io.RawIOBase):
    """A file to write to, whose bytes are taken away in between."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []
        self._written = 0

    def writable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._written

    def write(self, data: bytes) -> int:  # type: ignore[override]
        piece = bytes(data)
        self._pieces.append(piece)
        self._written += len(piece)
        return len(piece)

    def take(self) -> bytes:
        taken, self._pieces = b"".join(self._pieces), []
        return taken


def encode(columns: Sequence[Column], blocks: Iterator[bytes]) -> Iterator[bytes]:
    """The file, piece by piece; the last piece holds what readers begin with."""
    schema = pa.schema([(one.name, TYPES[one.type]) for one in columns])
    pieces = _Pieces()
    with parquet.ParquetWriter(
        pieces,
        schema,
        compression="zstd",
        # Numbers and moments that follow each other are small as differences, and quick to write;
        # a dictionary would hold nearly every one of them.
        use_dictionary=[one.name for one in columns if one.type == "text"],
        column_encoding={one.name: DIFFERENCES for one in columns if one.type != "text"},
    ) as writer:
        for group in _groups(schema, blocks):
            writer.write_table(group)
            yield pieces.take()
    yield pieces.take()


def _groups(schema: pa.Schema, blocks: Iterator[bytes]) -> Iterator[pa.Table]:
    tables: list[pa.Table] = []
    rows = size = 0
    for block in blocks:
        tables.append(_read(schema, block))
        rows, size = rows + len(tables[-1]), size + tables[-1].nbytes
        if rows >= GROUP_ROWS or size >= GROUP_BYTES:
            yield pa.concat_tables(tables)
            tables, rows, size = [], 0, 0
    if tables:
        yield pa.concat_tables(tables)


def _read(schema: pa.Schema, block: bytes) -> pa.Table:
    return csv.read_csv(
        pa.py_buffer(block),
        # One thread: the other core is PostgreSQL's. One block: it is small already.
        read_options=csv.ReadOptions(
            column_names=schema.names, use_threads=False, block_size=len(block) + 1
        ),
        parse_options=csv.ParseOptions(newlines_in_values=True, ignore_empty_lines=False),
        convert_options=csv.ConvertOptions(
            column_types=schema,
            null_values=[""],
            strings_can_be_null=True,
            quoted_strings_can_be_null=False,  # an empty text is quoted, an absent one is not
        ),
    )
