"""One moment in time: a read-only, repeatable-read transaction in the current scope.

It runs on this thread's own connection, so that whoever ends the job (a cancel, its time limit, the
end of the worker) also cancels its statement; progress is written on another, see `progress`.
"""

import time
from collections.abc import Generator, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import OperationalError, connection, transaction
from psycopg import Copy, IsolationLevel
from psycopg.abc import PQGen
from psycopg.errors import QueryCanceled

from jobs.families.transfers.errors import SnapshotTooLong
from jobs.families.transfers.exports.formats import Format
from jobs.families.transfers.exports.statement import Query

BLOCK_BYTES = 1024 * 1024

# How moments are written is the statement's business, not that of a role's or a database's default.
_SETTINGS = """SELECT set_config('statement_timeout', %s, true),
    set_config('TimeZone', 'UTC', true), set_config('DateStyle', 'ISO', true)"""


@dataclass(kw_only=True)
class Snapshot:
    """What there is at this moment.

    rows: how many were read so far.
    """

    query: Query
    taken_at: datetime
    total: int
    rows: int = 0
    _reading: Generator[bytes] | None = None

    def blocks(self, of: Format) -> Iterator[bytes]:
        """All rows as COPY writes them, about a megabyte of whole rows at a time; once."""
        self._reading = self._read(of)
        return self._reading

    def close(self) -> None:
        """End the COPY under way: its connection does nothing else before, not even a rollback."""
        if self._reading is not None:
            self._reading.close()

    def _read(self, of: Format) -> Generator[bytes]:
        self.rows = -1 if of.has_header else 0
        sql = self.query.copying(of.shape, of.options(self.query.columns))
        with (
            connection.cursor() as cursor,
            connection.wrap_database_errors,
            cursor.copy(sql, self.query.parameters) as rows,
        ):
            while block := rows.connection.wait(self._block(rows)):
                yield bytes(block)

    def _block(self, rows: Copy) -> PQGen[bytearray]:
        """The next whole rows. PostgreSQL sends a message for each.

        To wait for each as `Copy.read` does costs as much as everything else that is done here.
        """
        kept, read = bytearray(), 0
        while len(kept) < BLOCK_BYTES and (row := (yield from rows._read_gen())):
            kept += row
            read += 1
        self.rows += read
        return kept


@contextmanager
def snapshot(query: Query) -> Iterator[Snapshot]:
    """Open it, outside any transaction; SnapshotTooLong ends it after EXPORTS_MAX_SECONDS."""
    longest = timedelta(seconds=settings.EXPORTS_MAX_SECONDS)
    began = time.monotonic()
    opened: Snapshot | None = None
    try:
        with _one_moment(), connection.cursor() as cursor:
            cursor.execute(_SETTINGS, [_ms(longest)])
            cursor.execute("SELECT clock_timestamp()")
            [taken_at] = cursor.fetchone()
            cursor.execute(query.counting(), query.parameters)
            [total] = cursor.fetchone()
            opened = Snapshot(query=query, taken_at=taken_at, total=total)
            with closing(opened):
                yield opened
    except OperationalError as error:
        is_late = time.monotonic() - began >= longest.total_seconds()
        if not isinstance(error.__cause__, QueryCanceled) or not is_late:
            raise
        rows, total = (max(opened.rows, 0), opened.total) if opened else (0, 0)
        raise SnapshotTooLong(rows, total, longest.total_seconds()) from error


@contextmanager
def _one_moment() -> Iterator[None]:
    connection.ensure_connection()
    raw: Any = connection.connection
    raw.isolation_level, raw.read_only = IsolationLevel.REPEATABLE_READ, True
    try:
        with transaction.atomic(durable=True):
            yield
    finally:
        if not raw.closed:
            raw.isolation_level = raw.read_only = None


def _ms(length: timedelta) -> str:
    return str(round(length / timedelta(milliseconds=1)))
