"""The errors of this app.

TenancyError
├── NoScope          a tenant table was queried outside any organization, or outside a transaction
├── ScopeWidened     a scope inside another one asked for more than the outer one gives
├── AccessDenied     the actor may not do this to that
├── NotAllowed       a membership that a rule protects: the last owner, a role above one's own
└── UnrecordedWrite  a domain entity was written past `tenancy.changes`
"""

__all__ = [
    "AccessDenied",
    "NoScope",
    "NotAllowed",
    "ScopeWidened",
    "TenancyError",
    "UnrecordedWrite",
]


class TenancyError(Exception):
    """Anything that this app refuses."""


class NoScope(TenancyError):
    """A tenant table was queried where PostgreSQL would show no row."""

    def __init__(self, model: str, *, why: str) -> None:
        self.model = model
        super().__init__(
            f"{model} was queried {why}, so PostgreSQL would show no rows.\n"
            "Wrap the code in `with scope(organization), transaction.atomic():`, or, if it works\n"
            "across organizations, in `operator_scope(reason)`, which is audited (tenancy.scope)."
        )


class ScopeWidened(TenancyError):
    """A scope may only narrow the one around it."""


class AccessDenied(TenancyError):
    """The actor may not do this; carries what was asked, for the audit log."""

    def __init__(self, actor: str, permission: str, thing: str) -> None:
        self.actor = actor
        self.permission = permission
        self.thing = thing
        super().__init__(f"{actor} may not {permission} on {thing}.")


class NotAllowed(TenancyError):
    """A rule about memberships forbids this; the text is for people."""


class UnrecordedWrite(TenancyError):
    """A domain entity was written without `tenancy.changes`, so nobody would hear of it."""

    def __init__(self, model: str, operation: str) -> None:
        super().__init__(
            f"{model}.{operation} would leave no audit event and no domain event.\n"
            "Use tenancy.changes.create, update, save or delete instead."
        )
