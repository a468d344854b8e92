"""The psycopg connection of this backend: its BEGIN says the scope, in the same trip.

psycopg begins a transaction with the first statement in it, whatever kind it is and however old its
cursor: execute, executemany, stream, COPY, DECLARE, inside a pipeline or not. All come through
`_start_query`, and that is where the words are said. So there is nothing to note and to forget: a
transaction that has not begun owes its words, one that has begun has said them, and one in which
nothing runs costs nothing.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from psycopg.abc import PQGen
from psycopg.errors import error_from_result
from psycopg.generators import execute
from psycopg.pq import ExecStatus, TransactionStatus

from tenancy import scope

_GOOD = (ExecStatus.COMMAND_OK, ExecStatus.TUPLES_OK)


class Connection(psycopg.Connection[Any]):
    """Says the scope of the moment in each transaction, before anything else runs in it."""

    # Whether the transaction under way may have another scope than the current one.
    owes_words = False

    def renew_words(self) -> None:
        """Say the current scope to the transaction under way, if one has begun.

        Before its next statement, where it takes none now: it failed, and a rollback to a savepoint
        may follow, or it is amid one. An error of ours would hide the one that led here.
        """
        status = self.pgconn.transaction_status
        if self._autocommit or status == TransactionStatus.IDLE:
            return
        self.owes_words = True
        if status == TransactionStatus.INTRANS:
            with self.lock:
                self.wait(self._say(*scope.spoken()))

    def set_autocommit(self, value: bool) -> None:
        """As psycopg's own, which takes a turn through its loop to learn that nothing is open."""
        if self.pgconn.transaction_status == TransactionStatus.IDLE and not self._pipeline:
            self._autocommit = bool(value)
        else:
            super().set_autocommit(value)

    def commit(self) -> None:
        """As psycopg's own, which does the same where nothing is open."""
        if self.pgconn.transaction_status != TransactionStatus.IDLE or self._pipeline or self._tpc:
            super().commit()

    @contextmanager
    def transaction(self, *args: Any, **options: Any) -> Iterator[psycopg.Transaction]:
        """A savepoint, where Django has opened a transaction: begun or not."""
        with self.lock:
            self.wait(self._start_query())
        try:
            with super().transaction(*args, **options) as inner:
                yield inner
        finally:
            self.owes_words = True  # its rollback brings back those of its time

    def _start_query(self) -> PQGen[None]:
        # In place of psycopg's own, which sends BEGIN alone.
        if self._autocommit:
            return
        status = self.pgconn.transaction_status
        if status == TransactionStatus.IDLE:
            yield from self._say(self._get_tx_start_command().decode(), *scope.spoken())
        elif self.owes_words and status != TransactionStatus.INERROR:
            yield from self._say(*scope.spoken())

    def _say(self, *commands: str) -> PQGen[None]:
        self._check_connection_ok()
        if self._pipeline:
            for command in commands:
                yield from self._exec_command(command.encode())
            yield from self._pipeline._sync_gen()
        else:
            self.pgconn.send_query("; ".join(commands).encode())
            for result in (yield from execute(self.pgconn)):
                if result.status not in _GOOD:
                    raise error_from_result(result, encoding=self.info.encoding)
        self.owes_words = False
