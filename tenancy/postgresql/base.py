"""The database wrapper: each transaction begins with the scope that is in force.

Entering `transaction.atomic()` sends nothing, nor does leaving one in which nothing ran.
"""

import time
from typing import Any, cast

from django.db.backends.postgresql import base, operations

from tenancy.postgresql.connection import Connection

# A connection that was in use a moment ago is not asked whether it still lives.
FRESH_SECONDS = 1.0


class DatabaseOperations(operations.DatabaseOperations):
    """Operations whose compiler refuses tenant queries that no scope covers."""

    compiler_module = "tenancy.postgresql.compiler"


class DatabaseWrapper(base.DatabaseWrapper):
    """A connection as role `app`; `tenancy.scope` decides what a transaction on it may see."""

    ops_class = DatabaseOperations
    _used_at = 0.0  # monotonic

    def get_new_connection(self, conn_params: dict[str, Any]) -> Connection:
        """A connection whose transactions begin with the scope, from the pool or not."""
        connection: Any = super().get_new_connection(conn_params)
        connection.__class__ = Connection  # of which class to make one, Django does not ask
        return cast(Connection, connection)

    def renew_scope(self) -> None:
        """Say the current scope to the transaction under way: see `Connection.renew_words`."""
        if self.connection is not None:
            with self.wrap_database_errors:
                self.connection.renew_words()

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
        self.renew_scope()  # the savepoint brought back that of its time
