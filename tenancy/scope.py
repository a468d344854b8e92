"""Who may see which rows.

PostgreSQL is authoritative: every tenant table has row-level security, and a transaction sees the
organizations named in its setting `app.organizations`, under the role it runs as. This module holds
the scope in a context variable and puts both into each transaction, as its first statement
(`tenancy.postgresql`) and only for that transaction, so that a pooled connection never remembers
whom it served last.

Three scopes, one role each: `scope` (role `app`, the named organizations), `operator_scope` (role
`operator`, every organization, reported to the audit log), `engine_scope` (role `engine`: the
relay's and the scheduler's tables, no domain table at all).
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, Protocol

from django.apps import apps
from django.db import DEFAULT_DB_ALIAS, connections
from psycopg.pq import TransactionStatus

from tenancy.acting import current
from tenancy.errors import AccessDenied, NoScope, ScopeWidened

APP, OPERATOR, ENGINE = "none", "operator", "engine"  # role `none` is the session's own: `app`


@dataclass(frozen=True, kw_only=True)
class Scope:
    """What transactions may see.

    organizations: ids; empty for the roles that are not bound to any.
    role: the PostgreSQL role that is entered.
    """

    organizations: frozenset[int]
    role: str = APP

    def allows(self, inner: "Scope") -> bool:
        """Whether `inner` shows nothing that this scope does not."""
        if self.role == OPERATOR or inner.role == ENGINE:
            return True
        return self.role == inner.role and inner.organizations <= self.organizations


class HasId(Protocol):
    """An organization, as far as this module needs one."""

    @property
    def pk(self) -> Any: ...


Organizations = int | HasId | Iterable[int | HasId]

_current: ContextVar[Scope | None] = ContextVar("tenancy_scope", default=None)
_reporters: list[Callable[[str, int | None], None]] = []


def current_scope() -> Scope | None:
    """The scope in force, or None."""
    return _current.get()


def only_organization() -> int:
    """The one organization of the current scope.

    Raises `NoScope` when there is no scope, or one that spans several organizations.
    """
    scope_now = _current.get()
    if scope_now is None or len(scope_now.organizations) != 1:
        raise NoScope("The current organization", why="outside a scope of exactly one organization")
    return next(iter(scope_now.organizations))


@contextmanager
def scope(organizations: Organizations) -> Iterator[Scope]:
    """Show the rows of these organizations to every transaction inside.

    Inside another scope it may only narrow; asking for more raises `ScopeWidened`. An empty
    iterable is a scope that shows nothing, which is what a person without organizations sees.
    """
    with _entered(Scope(organizations=_ids(organizations))) as entered:
        yield entered


@contextmanager
def operator_scope(reason: str, organization: Organizations | None = None) -> Iterator[Scope]:
    """Show every organization to the operator who is acting; reported to the audit log.

    reason: one sentence, kept in the audit log.
    organization: the one organization it is about, which then finds the entry in its own log too.
    Raises `AccessDenied` unless an operator, or a command of the platform, is acting.
    """
    acting = current()
    if not acting.is_platform:
        raise AccessDenied(str(acting.actor), "operator_scope", "all organizations")
    with _entered(Scope(organizations=frozenset(), role=OPERATOR)) as entered:
        about = None if organization is None else next(iter(_ids(organization)))
        for report in _reporters:
            report(reason, about)
        yield entered


@contextmanager
def engine_scope() -> Iterator[Scope]:
    """Show the ledger of every organization, and no domain table, to the engine's own work."""
    with _entered(Scope(organizations=frozenset(), role=ENGINE)) as entered:
        yield entered


def register_reporter(report: Callable[[str, int | None], None]) -> None:
    """Call `report(reason, organization_id)` inside each operator scope as it opens."""
    if report not in _reporters:
        _reporters.append(report)


def begin_transaction(connection: Any) -> None:
    """Put the current scope into a transaction that has just begun."""
    scope_now = _current.get()
    if scope_now is not None:
        _apply(connection, scope_now)


def require_for(tables: Iterable[str], *, in_transaction: bool) -> None:
    """Raise `NoScope` if a tenant table is among `tables` and nothing says whose rows are meant."""
    scope_now = _current.get()
    if scope_now is not None and in_transaction:
        return
    tenant_tables = _tenant_tables()
    for table in tables:
        if table in tenant_tables:
            why = "outside any organization" if scope_now is None else "outside a transaction"
            raise NoScope(tenant_tables[table], why=why)


@contextmanager
def _entered(inner: Scope) -> Iterator[Scope]:
    outer = _current.get()
    if outer is not None and not outer.allows(inner):
        raise ScopeWidened(f"{inner} shows more than {outer}, the scope around it.")
    token = _current.set(inner)
    try:
        _apply_if_open(inner)
        yield inner
    finally:
        _current.reset(token)
        _apply_if_open(outer or Scope(organizations=frozenset()))


def _apply_if_open(scope_now: Scope) -> None:
    """Change a transaction that is already under way; one that failed is left to its rollback."""
    connection = connections[DEFAULT_DB_ALIAS]
    if not connection.in_atomic_block or connection.connection is None:
        return
    if connection.connection.info.transaction_status != TransactionStatus.INERROR:
        _apply(connection, scope_now)


def _apply(connection: Any, scope_now: Scope) -> None:
    # Through psycopg, not Django's cursor: 50 µs instead of 120, and no wrapper sees it. Role and
    # organizations are local to the transaction; `set_config` takes a role as SET LOCAL ROLE does.
    organizations = ",".join(map(str, sorted(scope_now.organizations)))
    connection.connection.execute(
        "SELECT set_config('app.organizations', %s, true), set_config('role', %s, true)",
        [organizations, scope_now.role],
    )


def _ids(organizations: Organizations) -> frozenset[int]:
    if isinstance(organizations, int):
        return frozenset({organizations})
    if isinstance(organizations, Iterable):
        return frozenset(one if isinstance(one, int) else int(one.pk) for one in organizations)
    return frozenset({int(organizations.pk)})


def _tenant_tables() -> dict[str, str]:
    if not _tables:
        for model in apps.get_models():
            if getattr(model, "is_tenant", False):
                _tables[model._meta.db_table] = model.__name__
    return _tables


_tables: dict[str, str] = {}
