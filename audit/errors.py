"""The errors of this app.

AuditError
└── InvalidEvent  an event that must not enter the log: action misspelled, or too large
"""


class AuditError(Exception):
    """Anything that the audit log refuses."""


class InvalidEvent(AuditError):
    """The event does not have the form that the log keeps for ever."""
