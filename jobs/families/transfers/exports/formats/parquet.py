"""Parquet from the rows of COPY: read a block at a time, written a row group at a time, zstd."""

import io
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor

import pyarrow as pa
from pyarrow import csv, parquet

from jobs.families.transfers.exports.statement import Column, Type

# What is kept until a row group is written: fewer rows make files that are slow to read.
GROUP_ROWS = 100_000
GROUP_BYTES = 32 * 1024 * 1024
BLOCKS_AHEAD = 2  # of about a megabyte, read while the one before is encoded

DIFFERENCES = "DELTA_BINARY_PACKED"

TYPES: dict[Type, pa.DataType] = {
    "text": pa.string(),
    "integer": pa.int64(),
    "moment": pa.timestamp("us", tz="UTC"),
}


class _Pieces(io.RawIOBase):
    """A file to write to, whose bytes are taken away in between."""

    def __init__(self) -> None:
        self._pieces: deque[bytes] = deque()
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
        """What is here by now; more may come from another thread meanwhile."""
        return b"".join(self._pieces.popleft() for _ in range(len(self._pieces)))


def encode(columns: Sequence[Column], blocks: Iterator[bytes]) -> Iterator[bytes]:
    """The file, piece by piece; the last piece holds what readers begin with.

    Encoded in a thread of its own, beside the one that reads from PostgreSQL: arrow leaves the
    interpreter alone meanwhile.
    """
    schema = pa.schema([(one.name, TYPES[one.type]) for one in columns])
    pieces = _Pieces()
    writer = parquet.ParquetWriter(
        pieces,
        schema,
        compression="zstd",
        # Numbers and moments that follow each other are small as differences, and quick to write;
        # a dictionary would hold nearly every one of them.
        use_dictionary=[one.name for one in columns if one.type == "text"],
        column_encoding={one.name: DIFFERENCES for one in columns if one.type != "text"},
    )
    groups = _Groups(schema, writer)
    with writer, ThreadPoolExecutor(1, "parquet") as encoder:
        ahead: deque[Future[None]] = deque()
        for block in blocks:
            ahead.append(encoder.submit(groups.add, block))
            while len(ahead) > BLOCKS_AHEAD:
                ahead.popleft().result()
                yield pieces.take()
        for one in (*ahead, encoder.submit(groups.flush)):
            one.result()
    yield pieces.take()


class _Groups:
    """Blocks, kept until they are a row group."""

    def __init__(self, schema: pa.Schema, writer: parquet.ParquetWriter) -> None:
        self._schema, self._writer = schema, writer
        self._tables: list[pa.Table] = []

    def add(self, block: bytes) -> None:
        self._tables.append(_read(self._schema, block))
        rows, size = sum(map(len, self._tables)), sum(one.nbytes for one in self._tables)
        if rows >= GROUP_ROWS or size >= GROUP_BYTES:
            self.flush()

    def flush(self) -> None:
        if self._tables:
            self._writer.write_table(pa.concat_tables(self._tables))
            self._tables.clear()


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
