"""Django's SQL compilers, each asking first whether a scope covers the tables it is about to touch.

Without this, row-level security answers a forgotten scope with an empty list, which reads like a
correct answer.
"""

from typing import Any

from django.db.backends.postgresql import compiler
from django.db.models.sql.subqueries import AggregateQuery

from tenancy import scope


class Guarded:
    """Mixin: refuse to run a query on a tenant table outside a scope or a transaction."""

    query: Any
    connection: Any

    def execute_sql(self, *args: Any, **kwargs: Any) -> Any:
        query = self.query
        if isinstance(query, AggregateQuery):
            query = query.inner_query
        tables = {alias.table_name for alias in query.alias_map.values()}
        meta = query.get_meta()
        if meta is not None:
            tables.add(meta.db_table)
        scope.require_for(tables, in_transaction=self.connection.in_atomic_block)
        return super().execute_sql(*args, **kwargs)  # type: ignore[misc]


class SQLCompiler(Guarded, compiler.SQLCompiler):
    """SELECT."""


class SQLInsertCompiler(Guarded, compiler.SQLInsertCompiler):
    """INSERT."""


class SQLDeleteCompiler(Guarded, compiler.SQLDeleteCompiler):
    """DELETE."""


class SQLUpdateCompiler(Guarded, compiler.SQLUpdateCompiler):
    """UPDATE."""


class SQLAggregateCompiler(Guarded, compiler.SQLAggregateCompiler):
    """SELECT of aggregates over a subquery."""
