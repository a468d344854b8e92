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
- `atomic` below is `transaction.atomic()` whose first statements, the scope among them, go in one
  flush, and its last ones, the COMMIT among them, in another. When the second returns, it is
  committed; Django's own COMMIT then finds nothing to do, and its `on_commit` hooks run.
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
from psycopg.abc import Transformer
from psycopg.adapt import PyFormat
from psycopg.adapt import Transformer as NewTransformer
from psycopg.errors import error_from_result
from psycopg.generators import fetch_many, send
from psycopg.pq import ExecStatus, TransactionStatus
from psycopg.pq.abc import PGresult

from tenancy import scope

type Rows = list[dict[str, Any]]

_PARAMETER = re.compile(r"%\((\w+)\)s")


@dataclass(frozen=True, kw_only=True)
class Statement:
    """One statement of a flush.

    name: under which it is prepared; always of the same `sql`.
    sql: with parameters as `%(name)s`. parameters: their values.
    """

    name: str
    sql: str
    parameters: Mapping[str, Any] = field(default_factory=dict)


BEGIN = Statement(name="begin", sql="BEGIN")
COMMIT = Statement(name="commit", sql="COMMIT")
# For what may be lost in a crash of PostgreSQL's machine, and of nothing less.
UNHURRIED = Statement(name="unhurried", sql="SELECT set_config('synchronous_commit', 'off', true)")


_PLANS = "set_config('enable_seqscan', '{}', true), set_config('plan_cache_mode', '{}', true)"
PLANNED_ONCE = Statement(
    name="planned_once", sql="SELECT " + _PLANS.format("off", "force_generic_plan")
)
PLANNED_AS_USUAL = Statement(name="planned_as_usual", sql="SELECT " + _PLANS.format("on", "auto"))
_SCOPE = f"{scope.WORDS}, {_PLANS.format('off', 'force_generic_plan')}"


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
    connection: psycopg.Connection[Any] = wrapper.connection
    if wrapper.in_atomic_block and connection.info.transaction_status == TransactionStatus.IDLE:
        statements = (BEGIN, *statements)  # which psycopg would send with its first statement
    try:
        with wrapper.wrap_database_errors:
            return _exchange(connection, statements)
    except BaseException:
        if connection.pgconn.pipeline_status:  # interrupted: answers are still on their way
            wrapper.close()
        raise


def committed(*statements: Statement) -> dict[str, Rows]:
    """Run statements as a transaction of their own in the current scope, in one trip."""
    with _silently(), transaction.atomic():
        return flush(_scope(), *statements, *_commit())


@contextmanager
def atomic(*opening: Statement, before: Sequence[Statement] = ()) -> Iterator[Block]:
    """A transaction in the current scope whose opening and closing take one trip each.

    before: statements that are committed first, in the same trip, in a transaction of their own.
    """
    with _silently(), transaction.atomic():
        apart = [_scope(), *before, *_commit()] if before else []
        if COMMIT in apart:
            apart.append(BEGIN)
        block = Block(answers=flush(*apart, _scope(), *opening, PLANNED_AS_USUAL))
        yield block
        flush(PLANNED_ONCE, *block.closing, *_commit())


def _scope() -> Statement:
    return Statement(name="scope", sql=_SCOPE, parameters=scope.words())


def _commit() -> list[Statement]:
    """COMMIT, unless this block is inside another, which will."""
    return [] if connections[DEFAULT_DB_ALIAS].savepoint_ids else [COMMIT]


@contextmanager
def _silently() -> Iterator[None]:
    """Let Django begin a transaction without a word: its first words go with the flush."""
    wrapper: Any = connections[DEFAULT_DB_ALIAS]
    wrapper.is_silent = True
    try:
        yield
    finally:
        wrapper.is_silent = False


def _exchange(
    connection: psycopg.Connection[Any], statements: Sequence[Statement]
) -> dict[str, Rows]:
    pg = connection.pgconn
    transformer = NewTransformer.from_context(connection)
    prepared = _prepared.setdefault(connection, set())
    sent: list[tuple[str, bool]] = []  # and whether it is the statement, or its preparation
    pg.enter_pipeline_mode()
    for statement in statements:
        sql, names = _positional(statement.sql)
        if statement.name not in prepared and (statement.name, False) not in sent:
            pg.send_prepare(statement.name.encode(), sql)
            sent.append((statement.name, False))
        values = [statement.parameters[name] for name in names]
        dumped = transformer.dump_sequence(values, [PyFormat.TEXT] * len(values))
        pg.send_query_prepared(statement.name.encode(), dumped)
        sent.append((statement.name, True))
    pg.pipeline_sync()
    connection.wait(send(pg))
    # `fetch_many` waits at the socket before it asks libpq, which would wait with the interpreter.
    results = [connection.wait(fetch_many(pg))[-1] for _ in sent]
    connection.wait(fetch_many(pg))  # of the sync
    pg.exit_pipeline_mode()
    answers: dict[str, Rows] = {}
    for (name, is_answer), result in zip(sent, results, strict=True):
        if result.status not in (ExecStatus.COMMAND_OK, ExecStatus.TUPLES_OK):
            raise error_from_result(result, encoding=connection.info.encoding)
        if is_answer:
            answers[name] = _rows(transformer, result)
        else:
            prepared.add(name)
    return answers


def _rows(transformer: Transformer, result: PGresult) -> Rows:
    names = [cast(bytes, result.fname(n)).decode() for n in range(result.nfields)]
    transformer.set_pgresult(result)
    rows = transformer.load_rows(0, result.ntuples, tuple)
    return [dict(zip(names, row, strict=True)) for row in rows]


@functools.cache
def _positional(sql: str) -> tuple[bytes, list[str]]:
    names: list[str] = []

    def number(match: re.Match[str]) -> str:
        if match[1] not in names:
            names.append(match[1])
        return f"${names.index(match[1]) + 1}"

    return _PARAMETER.sub(number, sql).encode(), names


_prepared: WeakKeyDictionary[psycopg.Connection[Any], set[str]] = WeakKeyDictionary()
