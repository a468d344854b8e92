"""Django's SQL compilers, which refuse what would otherwise go wrong in silence.

A tenant table read where no scope covers it: row-level security would answer with an empty list,
which reads like a correct answer. An entity written past `tenancy.changes`: nobody would hear.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, ClassVar

from django.db.backends.postgresql import compiler

from tenancy import entities, scope

_running: ContextVar[bool] = ContextVar("tenancy_query_running", default=False)


class Guarded:
    """Mixin: ask first whether a scope covers the tables that a query is about to touch."""

    query: Any
    connection: Any
    writes: ClassVar[str] = ""

    def execute_sql(self, *args: Any, **kwargs: Any) -> Any:
        with self._guard():
            return super().execute_sql(*args, **kwargs)  # type: ignore[misc]

    def execute_returning_sql(self, *args: Any, **kwargs: Any) -> Any:
        with self._guard():
            return super().execute_returning_sql(*args, **kwargs)  # type: ignore[misc]

    def as_sql(self, *args: Any, **kwargs: Any) -> Any:
        sql = super().as_sql(*args, **kwargs)  # type: ignore[misc]
        # Only now are all joins known. A subquery is compiled by a compiler of its own, which
        # comes through here as well; SQL that is only shown to somebody needs no scope.
        if _running.get():
            self._require({alias.table_name for alias in self.query.alias_map.values()})
        return sql

    @contextmanager
    def _guard(self) -> Iterator[None]:
        if meta := self.query.get_meta():
            if self.writes:
                entities.refuse_unrecorded(meta.concrete_model, self.writes)
            self._require({meta.db_table})
        token = _running.set(True)
        try:
            yield
        finally:
            _running.reset(token)

    def _require(self, tables: set[str]) -> None:
        scope.require_for(tables, in_transaction=self.connection.in_atomic_block)


class SQLCompiler(Guarded, compiler.SQLCompiler):
    """SELECT."""


class SQLInsertCompiler(Guarded, compiler.SQLInsertCompiler):
    """INSERT."""

    writes = "INSERT"


class SQLDeleteCompiler(Guarded, compiler.SQLDeleteCompiler):
    """DELETE."""

    writes = "DELETE"


class SQLUpdateCompiler(Guarded, compiler.SQLUpdateCompiler):
    """UPDATE."""

    writes = "UPDATE"


class SQLAggregateCompiler(Guarded, compiler.SQLAggregateCompiler):
    """SELECT of aggregates over a subquery."""
