"""A report of a Parquet file: rows of it, with all its columns and types, and ours beside them."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from jobs.families.transfers.files.parquet import BATCH_ROWS
from jobs.families.transfers.files.report import OURS, Marked

TYPES = {
    "_row": pa.int64(),
    "_line": pa.int64(),
    "_errors": pa.list_(pa.string()),
    "_warnings": pa.list_(pa.string()),
}


def write(found: Iterable[Marked], out: Path, *, source: Path) -> None:
    """Go through the source once more beside its rows."""
    rows = iter(found)
    offset, waiting = 0, next(rows, None)
    with pq.ParquetFile(source, pre_buffer=False) as file:
        schema = _schema(file.schema_arrow)
        with pq.ParquetWriter(out, schema) as writer:
            for batch in file.iter_batches(BATCH_ROWS, use_threads=False):
                wanted: list[Marked] = []
                while waiting is not None and waiting.record.row <= offset + batch.num_rows:
                    wanted.append(waiting)
                    waiting = next(rows, None)
                if wanted:
                    writer.write_batch(_beside(batch, wanted, offset, schema))
                offset += batch.num_rows


def _schema(found: Any) -> Any:
    theirs = [one for one in found if one.name not in OURS]
    return pa.schema([*theirs, *(pa.field(name, TYPES.get(name, pa.string())) for name in OURS)])


def _beside(batch: Any, wanted: list[Marked], offset: int, schema: Any) -> Any:
    taken = batch.take(pa.array([row.record.row - offset - 1 for row in wanted]))
    ours = [row.ours() for row in wanted]
    columns = [
        pa.array([one[field.name] for one in ours], field.type)
        if field.name in OURS
        else taken.column(field.name)
        for field in schema
    ]
    return pa.record_batch(columns, schema=schema)
