"""How far an export has got, told at most once a second, and whether it is still wanted.

On a connection of its own, since the thread's own is in the snapshot: each note is a short
transaction, in the scope of the export.
"""

import time
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

from django.db import Error, connection

from jobs.errors import LeaseLost
from jobs.execution.job import Run
from jobs.families.transfers.exports.snapshot import Snapshot

EVERY_SECONDS = 1.0

_NOTE = """
    UPDATE jobs_export SET rows = %(rows)s, total = %(total)s, bytes = %(bytes)s,
        progress_at = clock_timestamp()
    WHERE organization_id = %(organization_id)s AND object_key = %(key)s AND state = 'running'
    RETURNING cancel_requested_at IS NOT NULL
"""


class Stopped(Exception):
    """Whoever asked for the export does not want it any more."""


class Progress:
    """Of one attempt; close it at its end."""

    def __init__(self, run: Run[Any], key: str) -> None:
        self._run, self._key = run, key
        self._next = time.monotonic() + EVERY_SECONDS
        self._wrapper: Any = None

    def watching(self, pieces: Iterator[bytes], of: Snapshot) -> Iterator[bytes]:
        """The same pieces. Raises Stopped, LeaseLost, or Cancelled when the job was cancelled."""
        written = 0
        for piece in pieces:
            self._run.check_cancelled()
            written += len(piece)
            if time.monotonic() >= self._next:
                self._note(of, written)
                self._next = time.monotonic() + EVERY_SECONDS
            yield piece

    def close(self) -> None:
        """Give the connection back."""
        if self._wrapper is not None:
            with suppress(Error):
                self._wrapper.close()

    def _note(self, of: Snapshot, written: int) -> None:
        if self._wrapper is None:
            self._wrapper = connection.copy()
            self._wrapper.set_autocommit(False)
        parameters = {
            "organization_id": self._run.organization_id,
            "key": self._key,
            "rows": of.rows,
            "total": of.total,
            "bytes": written,
        }
        with self._wrapper.cursor() as cursor:
            cursor.execute(_NOTE, parameters)
            found = cursor.fetchone()
        self._wrapper.commit()
        if found is None:  # another attempt has its own object by now
            raise LeaseLost(self._run.job.ref.job_id, self._run.job.fence)
        if found[0]:
            raise Stopped
