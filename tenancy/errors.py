"""The errors of this app.

TenancyError
├── NoScope          a tenant table was queried outside any organization, or outside a transaction
├── ScopeWidened     a scope inside another one asked for more than the outer one gives
├── AccessDenied     the actor may not do this to that
├── NotAllowed       a membership that a rule protects: the last owner, a role above one's own
│   └── NoSeats      more people than the organization has seats for
├── InvitationClosed the invitation was used, revoked or renewed, or its time is over
└── UnrecordedWrite  a domain entity was written past `tenancy.changes`
"""

__all__ = [
    "AccessDenied",
    "InvitationClosed",
    "NoScope",
    "NoSeats",
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


class NoSeats(NotAllowed):
    """More people would have a right here, or the way to one, than there are seats.

    needed: seats beside those in use. free: how many there are.
    """

    def __init__(self, needed: int, free: int) -> None:
        self.needed = needed
        self.free = free
        super().__init__(
            f"This takes {needed} more seats, and {free} are free. Revoke invitations, deactivate "
            "members, or ask whoever runs the site for more seats."
        )


class InvitationClosed(TenancyError):
    """The invitation can not be accepted any more; which of the reasons it is, nobody says."""

    def __init__(self) -> None:
        super().__init__("This invitation was used, withdrawn or renewed, or it is too old.")


class UnrecordedWrite(TenancyError):
    """A domain entity was written without `tenancy.changes`, so nobody would hear of it."""

    def __init__(self, model: str, operation: str) -> None:
        super().__init__(
            f"{model}.{operation} would leave no audit event and no domain event.\n"
            "Use tenancy.changes.create, update, save or delete instead."
        )
