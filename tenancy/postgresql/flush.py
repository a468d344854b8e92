"""Several statements in one trip to PostgreSQL: the only module that knows of pipelines.

Why: a job's life is a dozen small statements. One by one, each costs a trip and twice the
interpreter; psycopg's own `pipeline()` does its I/O at every `execute` and holds the interpreter
while it waits. Here all are sent at once, and other threads run until the answers are there
(8 threads: 1,170 → 2,800 jobs a second).

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

import functools
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, cast
from weakref import WeakKeyDictionary

import psycopg
from django.db import DEFAULT_DB_ALIAS, connections, transaction
from psycopg.abc import PQGen, Transformer
from psycopg.adapt import PyFormat
from psycopg.adapt import Transformer as NewTransformer
from psycopg.errors import error_from_result
from psycopg.generators import send
from psycopg.pq import ExecStatus, TransactionStatus
from psycopg.pq.abc import PGconn, PGresult
from psycopg.waiting import Wait

from tenancy import scope
from tenancy.postgresql.arrays import written
from tenancy.postgresql.connection import Connection

type Rows = list[dict[str, Any]]

_PARAMETER = re.compile(r"%\((\w+)\)s")
_TEXT = [PyFormat.TEXT]
_GOOD = (ExecStatus.COMMAND_OK, ExecStatus.TUPLES_OK)


@dataclass(frozen=True, kw_only=True)
class Statement:
    """One statement of a flush.

    name: under which it is prepared; always of the same `sql`.
    sql: with parameters as `%(name)s`. parameters: their values. is_read: whether anybody wants
    its rows.
    """

    name: str
    sql: str
    parameters: Mapping[str, Any] = field(default_factory=dict)
    is_read: bool = True


BEGIN = Statement(name="begin", sql="BEGIN", is_read=False)
COMMIT = Statement(name="commit", sql="COMMIT", is_read=False)
# For what may be lost in a crash of PostgreSQL's machine, and of nothing less.
UNHURRIED = Statement(
    name="unhurried", sql="SELECT set_config('synchronous_commit', 'off', true)", is_read=False
)

_PLANS = "set_config('enable_seqscan', '{}', true), set_config('plan_cache_mode', '{}', true)"
PLANNED_ONCE = Statement(
    name="planned_once",
    sql="SELECT " + _PLANS.format("off", "force_generic_plan"),
    is_read=False,
)
PLANNED_AS_USUAL = Statement(
    name="planned_as_usual", sql="SELECT " + _PLANS.format("on", "auto"), is_read=False
)
_SCOPE_PLANNED_ONCE = f"{scope.WORDS}, {_PLANS.format('off', 'force_generic_plan')}"


@dataclass(kw_only=True)
class Block:
    """A transaction under way.

    answers: the rows of the opening statements, by name. closing: what runs last.
    """

    answers: dict[str, Rows]
    closing: list[Statement] = field(default_factory=list)


def flush(*statements: Statement) -> dict[str, Rows]:
    """Run statements in one trip; returns the rows of each, by its name."""
    wrapper: Any = connections[DEFAULT_DB_ALIAS]
    wrapper.ensure_connection()
    wrapper.validate_no_broken_transaction()
    connection: Connection = wrapper.connection
    try:
        with wrapper.wrap_database_errors:
            answers = _exchange(connection, _with_words(connection, statements))
    except BaseException:
        if connection.pgconn.pipeline_status:  # interrupted: answers are still on their way
            wrapper.close()
        raise
    connection.owes_words = False
    return answers


def committed(*statements: Statement) -> dict[str, Rows]:
    """Run statements as a transaction of their own in the current scope, in one trip."""
    with transaction.atomic():
        return flush(PLANNED_ONCE, *statements, _end())


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


def _exchange(
    connection: psycopg.Connection[Any], statements: Sequence[Statement]
) -> dict[str, Rows]:
    pg = connection.pgconn
    transformer = NewTransformer.from_context(connection)
    prepared = _prepared.setdefault(connection, {})
    sent: list[tuple[Statement, bool]] = []  # and whether it is only prepared
    fresh: dict[str, str] = {}
    _refuse_other_sql(statements, prepared)
    pg.enter_pipeline_mode()
    for statement in statements:
        name, sql, parameters = _encoded(statement.name, statement.sql)
        if statement.name not in prepared and statement.name not in fresh:
            pg.send_prepare(name, sql)
            sent.append((statement, True))
            fresh[statement.name] = statement.sql
        values = [written(statement.parameters[parameter]) for parameter in parameters]
        formats = _TEXT * len(values)
        pg.send_query_prepared(name, transformer.dump_sequence(values, formats) if values else None)
        sent.append((statement, False))
    pg.pipeline_sync()
    if pg.flush():  # more than the socket takes at once
        connection.wait(send(pg))
    results = connection.wait(_received(pg, len(sent)))
    pg.exit_pipeline_mode()
    answers: dict[str, Rows] = {}
    for (asked, is_preparation), result in zip(sent, results, strict=True):
        if result.status not in _GOOD:
            raise error_from_result(result, encoding=connection.info.encoding)
        if is_preparation:  # which no rollback undoes
            prepared[asked.name] = asked.sql
        elif asked.is_read:
            answers[asked.name] = _rows(transformer, result)
    return answers


def _refuse_other_sql(statements: Sequence[Statement], prepared: Mapping[str, str]) -> None:
    """A name that stands for other SQL by now would run that, and nobody would notice."""
    known = dict(prepared)
    for statement in statements:
        if known.setdefault(statement.name, statement.sql) != statement.sql:
            raise ValueError(
                f"The name {statement.name!r} of a statement stands for other SQL already: give "
                "each SQL a name of its own, and values as parameters."
            )


def _received(pg: PGconn, count: int) -> PQGen[list[PGresult]]:
    """The results of so many commands and of the sync behind them.

    It waits at the socket, so that other threads run; libpq, asked too early, waits with the
    interpreter.
    """
    results: list[PGresult] = []
    for _ in range(count):
        while pg.is_busy():
            yield Wait.R
            pg.consume_input()
        results.append(cast(PGresult, pg.get_result()))
        pg.get_result()  # the end of this command
    while pg.is_busy():
        yield Wait.R
        pg.consume_input()
    pg.get_result()  # of the sync
    return results


def _rows(transformer: Transformer, result: PGresult) -> Rows:
    names = [cast(bytes, result.fname(n)).decode() for n in range(result.nfields)]
    transformer.set_pgresult(result)
    rows = transformer.load_rows(0, result.ntuples, tuple)
    return [dict(zip(names, row, strict=True)) for row in rows]


@functools.cache
def _encoded(name: str, sql: str) -> tuple[bytes, bytes, list[str]]:
    """Both as libpq takes them, and the parameters in the order of their numbers."""
    names: list[str] = []

    def number(match: re.Match[str]) -> str:
        if match[1] not in names:
            names.append(match[1])
        return f"${names.index(match[1]) + 1}"

    return name.encode(), _PARAMETER.sub(number, sql).encode(), names


# The SQL of each name.
_prepared: WeakKeyDictionary[psycopg.Connection[Any], dict[str, str]] = WeakKeyDictionary()
