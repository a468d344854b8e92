"""The database wrapper: each transaction begins with the scope that is in force."""

import time
from typing import Any

from django.db.backends.postgresql import base, operations

from tenancy import scope

# A connection that was in use a moment ago is not asked whether it still lives.
FRESH_SECONDS = 1.0


class DatabaseOperations(operations.DatabaseOperations):
    """Operations whose compiler refuses tenant queries that no scope covers."""

    compiler_module = "tenancy.postgresql.compiler"


class DatabaseWrapper(base.DatabaseWrapper):
    """A connection as role `app`; `tenancy.scope` decides what a transaction on it may see."""

    ops_class = DatabaseOperations
    # Whether the next transaction begins without a word; whoever sets it sends the scope (`flush`).
    is_silent = False
    _used_at = 0.0  # monotonic

    def set_autocommit(
        self, autocommit: bool, force_begin_transaction_with_broken_autocommit: bool = False
    ) -> None:
        """Begin or end a transaction; one that begins gets the current scope as its first words."""
        super().set_autocommit(autocommit, force_begin_transaction_with_broken_autocommit)
        is_silent, self.is_silent = self.is_silent, False
        if autocommit or is_silent:
            return
        try:
            scope.begin_transaction(self)
        except BaseException:
            # Half begun, it would look like an open transaction to whoever uses it next.
            self.close()
            raise

    def begin_anew(self) -> None:
        """End a transaction that whoever used this connection before left open.

        For a thread that takes up another piece of work: what it commits inside would be lost.
        The question whether the connection lives, a trip for each piece, is left out while one
        follows the other.
        """
        blocks: list[Any] = self.atomic_blocks
        if any(not block._from_testcase for block in blocks):
            self.close()
            self.connect()
        now = time.monotonic()
        if now - self._used_at < FRESH_SECONDS:
            self.health_check_done = True
        self._used_at = now

    def _savepoint_rollback(self, sid: str) -> None:
        super()._savepoint_rollback(sid)  # type: ignore[misc]
        scope.resume_transaction(self)
