"""Statements on their way to PostgreSQL and back: the only module that knows of pipelines.

psycopg's own `pipeline()` does its I/O at every `execute` and holds the interpreter while it waits.
Here all are sent at once, and other threads run until the answers are there.

What goes together is a *unit*: its first error ends it, and touches no other. Outside a
transaction a unit is one, without a word for its beginning or its end (PostgreSQL's documentation,
"Pipelining", 54.2.4): it is committed when it is over, or undone.
"""

import functools
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, cast
from weakref import WeakKeyDictionary

import psycopg
from psycopg.abc import PQGen, Transformer
from psycopg.adapt import PyFormat
from psycopg.adapt import Transformer as NewTransformer
from psycopg.errors import error_from_result
from psycopg.generators import send
from psycopg.pq import ExecStatus
from psycopg.pq.abc import PGconn, PGresult
from psycopg.waiting import Wait

from tenancy.postgresql.arrays import written

type Rows = list[dict[str, Any]]
type Answers = dict[str, Rows]

_PARAMETER = re.compile(r"%\((\w+)\)s")
_TEXT = [PyFormat.TEXT]
_GOOD = (ExecStatus.COMMAND_OK, ExecStatus.TUPLES_OK)


@dataclass(frozen=True, kw_only=True)
class Statement:
    """One statement of a unit.

    name: under which it is prepared; always of the same `sql`.
    sql: with parameters as `%(name)s`. parameters: their values. is_read: whether anybody wants
    its rows.
    """

    name: str
    sql: str
    parameters: Mapping[str, Any] = field(default_factory=dict)
    is_read: bool = True


def exchange(
    connection: psycopg.Connection[Any], *units: Sequence[Statement]
) -> list[Answers | Exception]:
    """Run units one after the other, in one trip; of each the rows by statement, or its error.

    Raises what ends the connection: which of them ran, nobody knows then.
    """
    transformer = NewTransformer.from_context(connection)
    prepared = _prepared.setdefault(connection, {})
    fresh: dict[str, str] = {}
    calls = [_calls(unit, transformer, prepared, fresh) for unit in units]
    # What is prepared stays so, whatever becomes of the unit that needs it first.
    names = [_encoded(name, sql)[:2] for name, sql in fresh.items()]
    results = _trip(connection, names, [one for one in calls if not isinstance(one, Exception)])
    refused = {
        name: error
        for name, result in zip(fresh, results, strict=False)
        if (error := _first_error(connection, result))
    }
    prepared.update({name: sql for name, sql in fresh.items() if name not in refused})
    answered = iter(results[len(fresh) :])
    return [
        one
        if isinstance(one, Exception)
        else _answers(connection, transformer, unit, next(answered), refused)
        for unit, one in zip(units, calls, strict=True)
    ]


type _Call = tuple[bytes, Sequence[Any] | None]


def _calls(
    unit: Sequence[Statement],
    transformer: Transformer,
    prepared: Mapping[str, str],
    fresh: dict[str, str],
) -> list[_Call] | Exception:
    """What to send for a unit, or why it cannot be: that is no other's error."""
    try:
        return [_call(statement, transformer, prepared, fresh) for statement in unit]
    except Exception as error:  # noqa: BLE001 - of a value that psycopg or PostgreSQL has no words for
        return error


def _call(
    statement: Statement,
    transformer: Transformer,
    prepared: Mapping[str, str],
    fresh: dict[str, str],
) -> _Call:
    known = prepared.get(statement.name) or fresh.setdefault(statement.name, statement.sql)
    if known != statement.sql:
        raise ValueError(
            f"The name {statement.name!r} of a statement stands for other SQL already: give each "
            "SQL a name of its own, and values as parameters."
        )
    name, _, parameters = _encoded(statement.name, statement.sql)
    if not parameters:
        return name, None
    values = [written(statement.parameters[parameter]) for parameter in parameters]
    return name, transformer.dump_sequence(values, _TEXT * len(values))


def _trip(
    connection: psycopg.Connection[Any],
    names: Sequence[tuple[bytes, bytes]],
    units: Sequence[Sequence[_Call]],
) -> list[list[PGresult]]:
    """Send all and wait; the results of each name that is prepared, and of each unit."""
    pg = connection.pgconn
    pg.enter_pipeline_mode()
    for name, sql in names:
        pg.send_prepare(name, sql)
        pg.pipeline_sync()
    for unit in units:
        for name, values in unit:
            pg.send_query_prepared(name, values)
        pg.pipeline_sync()
    if pg.flush():  # more than the socket takes at once
        connection.wait(send(pg))
    results = connection.wait(_received(pg, [1] * len(names) + [len(unit) for unit in units]))
    pg.exit_pipeline_mode()
    return results


def _received(pg: PGconn, counts: Sequence[int]) -> PQGen[list[list[PGresult]]]:
    """The results of so many commands, and of the sync behind them, for each unit.

    It waits at the socket, so that other threads run; libpq, asked too early, waits with the
    interpreter.
    """
    units: list[list[PGresult]] = []
    for count in counts:
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
        units.append(results)
    return units


def _answers(
    connection: psycopg.Connection[Any],
    transformer: Transformer,
    unit: Sequence[Statement],
    results: Sequence[PGresult],
    refused: Mapping[str, Exception],
) -> Answers | Exception:
    for asked in unit:
        if asked.name in refused:
            return refused[asked.name]
    return _first_error(connection, results) or {
        asked.name: _rows(transformer, result)
        for asked, result in zip(unit, results, strict=True)
        if asked.is_read
    }


def _first_error(
    connection: psycopg.Connection[Any], results: Sequence[PGresult]
) -> Exception | None:
    for result in results:
        if result.status not in _GOOD:
            return error_from_result(result, encoding=connection.info.encoding)
    return None


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
