"""Several statements in one trip to PostgreSQL, in agreement with Django's transactions.

Why: a job's life is a dozen small statements. One by one, each costs a trip and twice the
interpreter. Here all are sent at once (`exchange`), and other threads run until the answers are
there (8 threads: 1,170 → 2,800 jobs a second).

What is guaranteed:

- Statements run in order. The first that fails ends the flush: PostgreSQL skips the rest, a COMMIT
  among them, and its error is raised as Django raises it.
- Inside `transaction.atomic()` a flush is part of that transaction, whether or not anything was
  sent before, and nested blocks, `on_commit` and rollback work as ever. A transaction that is
  marked for rollback takes no flush.
- A flush that a transaction begins with takes its BEGIN and its scope along, as any other statement
  does: `tenancy.postgresql.connection`.
- `atomic` below is `transaction.atomic()` whose opening statements go in one flush, and its closing
  ones, the COMMIT among them, in another; without opening statements, and if the caller runs none,
  all of it is one. When the second returns, it is committed; Django's own COMMIT then finds nothing
  to do, and its `on_commit` hooks run. One in which nothing runs sends nothing.
- Each statement is prepared and planned once per connection, under its name. Its table may be small
  then and large later, so it is planned for indexes, never for reading a whole table (settle: 200
  µs, not 1,800). What the caller does in between is planned as usual.
- An exception that another thread raises in the middle of a flush closes the connection: what it
  was in is rolled back, or had been committed already, as with any lost connection. Whoever goes
  on asks the fence.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import psycopg
from django.db import DEFAULT_DB_ALIAS, connections, transaction
from psycopg.errors import InvalidSqlStatementName, ReadOnlySqlTransaction
from psycopg.pq import TransactionStatus

from tenancy import scope
from tenancy.postgresql.connection import Connection
from tenancy.postgresql.exchange import Answers, Rows, Statement, exchange

__all__ = ["Answers", "Rows", "Statement", "atomic", "commit_each", "committed", "flush", "unit"]

BEGIN = Statement(name="begin", sql="BEGIN", is_read=False)
COMMIT = Statement(name="commit", sql="COMMIT", is_read=False)
# For what may be lost in a crash of PostgreSQL's machine, and of nothing less.
_NOT_FLUSHED = "set_config('synchronous_commit', 'off', true)"
UNHURRIED = Statement(name="unhurried", sql=f"SELECT {_NOT_FLUSHED}", is_read=False)

_PLANS = "set_config('enable_seqscan', '{}', true), set_config('plan_cache_mode', '{}', true)"
PLANNED_ONCE = Statement(
    name="planned_once",
    sql="SELECT " + _PLANS.format("off", "force_generic_plan"),
    is_read=False,
)
PLANNED_AS_USUAL = Statement(
    name="planned_as_usual", sql="SELECT " + _PLANS.format("on", "auto"), is_read=False
)
# How long one of many units may keep the others waiting.
HURRY = "250ms"
_LIMITS = (
    f"set_config('lock_timeout', '{HURRY}', true), set_config('statement_timeout', '{HURRY}', true)"
)
# Constraints are checked before the unit is over, while there is a statement to say which failed.
_CHECKED = Statement(name="checked", sql="SET CONSTRAINTS ALL IMMEDIATE", is_read=False)
_SCOPE_PLANNED_ONCE = f"{scope.WORDS}, {_PLANS.format('off', 'force_generic_plan')}"
_SCOPE_HURRIED = f"{_SCOPE_PLANNED_ONCE}, {_LIMITS}, {_NOT_FLUSHED}"
# The last of many units waits for the disk, and with it for all before: the log is one. It has to
# write something, or its commit would wait for nothing.
_FLUSHED = [
    Statement(
        name="flushed",
        sql="SELECT pg_logical_emit_message(true, 'commit_each', '')",
        is_read=False,
    )
]


@dataclass(kw_only=True)
class Block:
    """A transaction under way.

    answers: the rows of the opening statements, by name. closing: what runs last.
    """

    answers: Answers
    closing: list[Statement] = field(default_factory=list)

    @property
    def is_untouched(self) -> bool:
        """Whether nothing has run in it yet, nor is to run when it is committed."""
        return _is_untouched() and not connections[DEFAULT_DB_ALIAS].run_on_commit


def flush(*statements: Statement) -> Answers:
    """Run statements in one trip; returns the rows of each, by its name."""
    wrapper: Any = connections[DEFAULT_DB_ALIAS]
    wrapper.ensure_connection()
    wrapper.validate_no_broken_transaction()
    connection: Connection = wrapper.connection
    try:
        with wrapper.wrap_database_errors:
            [answers] = exchange(connection, _with_words(connection, statements))
            if isinstance(answers, Exception):
                raise answers
    except BaseException:
        if connection.pgconn.pipeline_status:  # interrupted: answers are still on their way
            wrapper.close()
        raise
    connection.owes_words = False
    return answers


def committed(*statements: Statement) -> Answers:
    """Run statements as a transaction of their own in the current scope, in one trip.

    Inside another transaction they are part of that.
    """
    wrapper: Any = connections[DEFAULT_DB_ALIAS]
    wrapper.ensure_connection()
    if wrapper.in_atomic_block or not wrapper.autocommit:
        with transaction.atomic():
            return flush(PLANNED_ONCE, *statements, _end())
    [answers] = _exchanged([[_scope_planned_once(), *statements, _CHECKED]])
    if isinstance(answers, Exception):
        raise answers
    return answers


def unit(*statements: Statement) -> Sequence[Statement]:
    """These as a transaction of its own in the scope of now, for `commit_each`."""
    return [_scope_hurried(), *statements, _CHECKED]


def commit_each(units: Sequence[Sequence[Statement]]) -> list[Answers | Exception]:
    """Commit units one after the other, in one trip; what each answered, or why it was undone.

    One that waits for a lock, or works, for longer than HURRY is undone too: those behind it wait.
    Others see each as soon as it is committed; when this returns, all are on the disk, with one
    wait for it. Outside any transaction. Raises an error of Django's when nobody knows what became
    of them.
    """
    if connections[DEFAULT_DB_ALIAS].in_atomic_block:
        raise RuntimeError("Units are transactions of their own: commit them outside of any.")
    *answers, flushed = _exchanged([*units, _FLUSHED])
    if isinstance(flushed, Exception):
        raise flushed
    return answers


def _exchanged(units: Sequence[Sequence[Statement]]) -> list[Answers | Exception]:
    wrapper: Any = connections[DEFAULT_DB_ALIAS]
    wrapper.ensure_connection()
    try:
        with wrapper.wrap_database_errors:
            answers = exchange(wrapper.connection, *units)
            if _is_spoilt(wrapper.connection, answers):
                raise psycopg.OperationalError(
                    "A statement changed the session for those behind it (BEGIN, "
                    "DEALLOCATE, …): give units statements that read and write rows, no others."
                )
    except BaseException:
        wrapper.close()
        raise
    return [
        _as_django_s(wrapper, one) if isinstance(one, psycopg.Error) else one for one in answers
    ]


def _is_spoilt(connection: Connection, answers: Sequence[Answers | Exception]) -> bool:
    """Whether a unit left the connection other than it found it; nothing of ours does."""
    spoilt = (InvalidSqlStatementName, ReadOnlySqlTransaction)
    is_idle = connection.info.transaction_status == TransactionStatus.IDLE
    return not is_idle or any(isinstance(one, spoilt) for one in answers)


def _as_django_s(wrapper: Any, error: psycopg.Error) -> Exception:
    try:
        with wrapper.wrap_database_errors:
            raise error
    except Exception as raised:  # noqa: BLE001 - the one that Django makes of it
        return raised


@contextmanager
def atomic(*opening: Statement) -> Iterator[Block]:
    """A transaction in the current scope whose opening and closing take one trip each.

    Without `opening` there is no trip before the caller's own.
    """
    with transaction.atomic():
        block = Block(answers={})
        if opening:
            block.answers = flush(PLANNED_ONCE, *opening, PLANNED_AS_USUAL)
        yield block
        if block.closing or not _is_untouched():
            flush(PLANNED_ONCE, *block.closing, _end())


def _with_words(connection: Connection, statements: Sequence[Statement]) -> Sequence[Statement]:
    """These, behind BEGIN and the scope if the transaction owes them."""
    is_begun = connection.info.transaction_status != TransactionStatus.IDLE
    if connection.autocommit or (is_begun and not connection.owes_words):
        return statements
    begin = [] if is_begun else [BEGIN]
    if statements and statements[0] is PLANNED_ONCE:
        return [*begin, _scope_planned_once(), *statements[1:]]
    return [*begin, _scope(), *statements]


def _scope() -> Statement:
    return Statement(name="scope", sql=scope.WORDS, parameters=scope.words(), is_read=False)


def _scope_planned_once() -> Statement:
    return Statement(
        name="scope_planned_once", sql=_SCOPE_PLANNED_ONCE, parameters=scope.words(), is_read=False
    )


def _scope_hurried() -> Statement:
    return Statement(
        name="scope_hurried", sql=_SCOPE_HURRIED, parameters=scope.words(), is_read=False
    )


def _end() -> Statement:
    """COMMIT, unless this block is inside another, which will, and may plan as usual until then."""
    return PLANNED_AS_USUAL if _is_nested() else COMMIT


def _is_nested() -> bool:
    return bool(connections[DEFAULT_DB_ALIAS].savepoint_ids)


def _is_untouched() -> bool:
    """Whether nothing has run in this transaction, nor failed in it."""
    wrapper: Any = connections[DEFAULT_DB_ALIAS]
    if wrapper.needs_rollback or wrapper.connection is None:
        return False
    return bool(wrapper.connection.info.transaction_status == TransactionStatus.IDLE)
