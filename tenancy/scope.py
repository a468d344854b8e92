"""Who may see which rows.

PostgreSQL is authoritative: every tenant table has row-level security, and a transaction sees the
organizations named in its setting `app.organizations`, under the role it runs as. This module holds
the scope in a context variable. Both go into each transaction in one trip with its BEGIN, which
goes just before its first statement (`tenancy.postgresql.connection`), and only for that
transaction, so that a pooled connection never remembers whom it served last. To enter or leave a
scope before then sends nothing; later it is said at once.

Three scopes, one role each: `scope` (role `app`, the named organizations), `operator_scope` (role
`operator`, every organization, reported to the audit log), `engine_scope` (role `engine`: the
relay's and the scheduler's tables, no domain table at all).
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from django.apps import apps
from django.db import DEFAULT_DB_ALIAS, connections

from tenancy.acting import current
from tenancy.errors import AccessDenied, NoScope, ScopeWidened

if TYPE_CHECKING:
    from tenancy.models import Organization

type Organizations = int | Organization | Iterable[int | Organization]

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


_NOTHING = Scope(organizations=frozenset())

# What a transaction is told, for itself alone; `set_config` takes a role as SET LOCAL ROLE does,
# and a parameter for it.
WORDS = """
    SELECT set_config('app.organizations', %(organizations)s, true),
        set_config('role', %(role)s, true)
"""

Reporter = Callable[[str, int | None, timedelta], None]

_current: ContextVar[Scope | None] = ContextVar("tenancy_scope", default=None)
_reporters: list[Reporter] = []


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
def operator_scope(
    reason: str,
    organization: "int | Organization | None" = None,
    *,
    quiet_for: timedelta = timedelta(0),
) -> Iterator[Scope]:
    """Show every organization to the operator who is acting; reported to the audit log.

    reason: one sentence, kept in the audit log.
    organization: the one organization it is about, which then finds the entry in its own log too.
    quiet_for: not reported again when the same actor gave the same reason within this time; for
    pages that refresh themselves.
    Raises `AccessDenied` unless an operator, or a command of the platform, is acting.
    """
    acting = current()
    if not acting.is_platform:
        raise AccessDenied(str(acting.actor), "operator_scope", "all organizations")
    if not reason.strip():
        raise ValueError("operator_scope needs a reason: the audit log keeps it")
    with _entered(Scope(organizations=frozenset(), role=OPERATOR)) as entered:
        report_look(reason, organization, quiet_for=quiet_for)
        yield entered


@contextmanager
def engine_scope() -> Iterator[Scope]:
    """Show the ledger of every organization, and no domain table, to the engine's own work."""
    with _entered(Scope(organizations=frozenset(), role=ENGINE)) as entered:
        yield entered


def register_reporter(report: Reporter) -> None:
    """Call `report(reason, organization_id, quiet_for)` inside each operator scope as it opens."""
    if report not in _reporters:
        _reporters.append(report)


def report_look(
    reason: str,
    organization: "int | Organization | None" = None,
    *,
    quiet_for: timedelta = timedelta(0),
) -> None:
    """Tell the audit log that the operator in whose scope we are looks into this organization.

    For a page that learns only after its scope was opened whose row it shows. Does nothing in a
    scope of organizations.
    """
    scope_now = _current.get()
    if scope_now is None or scope_now.role != OPERATOR:
        return
    about = None if organization is None else _id(organization)
    for report in _reporters:
        report(reason, about, quiet_for)


def words() -> dict[str, str]:
    """The parameters of WORDS in the current scope; outside any, it shows nothing."""
    scope_now = _current.get() or _NOTHING
    organizations = ",".join(map(str, sorted(scope_now.organizations)))
    return {"organizations": organizations, "role": scope_now.role}


def spoken() -> list[str]:
    """The same with their values, numbers and names of ours; PostgreSQL need not plan these."""
    said = words()
    return [
        f"SET LOCAL app.organizations = '{said['organizations']}'",
        f"SET LOCAL ROLE '{said['role']}'",
    ]


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
    connection: Any = connections[DEFAULT_DB_ALIAS]
    token = _current.set(inner)
    try:
        connection.renew_scope()
        yield inner
    finally:
        _current.reset(token)
        connection.renew_scope()


def _ids(organizations: Organizations) -> frozenset[int]:
    if isinstance(organizations, Iterable):
        return frozenset(_id(one) for one in organizations)
    return frozenset({_id(organizations)})


def _id(organization: "int | Organization") -> int:
    # By name: the models import this app's scope. Any other row has an id too, of something else.
    meta = getattr(organization, "_meta", None)
    is_one = meta is not None and meta.label == "tenancy.Organization"
    found: Any = getattr(organization, "pk", None) if is_one else organization
    if type(found) is not int:
        raise TypeError(f"{organization!r} is no saved organization and no id of one")
    return found


def _tenant_tables() -> dict[str, str]:
    if not _tables:
        for model in apps.get_models():
            if getattr(model, "is_tenant", False):
                _tables[model._meta.db_table] = model.__name__
    return _tables


_tables: dict[str, str] = {}
