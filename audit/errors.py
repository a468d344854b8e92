"""The errors of this app.

AuditError
├── InvalidEvent   an event that must not enter the log: action misspelled, or too large
├── BadKey         a key file, or a public key, that cannot be used
├── BadCheckpoint  a checkpoint that cannot be read, or that no trusted key signed
├── SealRefused    somebody else sealed these events meanwhile
└── LogDiffers     what is sealed is not what was signed: nothing is sealed on top of it
"""


class AuditError(Exception):
    """Anything that the audit log refuses."""


class InvalidEvent(AuditError):
    """The event does not have the form that the log keeps for ever."""


class BadKey(AuditError):
    """A key cannot be used."""


class BadCheckpoint(AuditError):
    """A checkpoint says nothing that can be believed."""


class SealRefused(AuditError):
    """The database refused a batch: its place or its events are taken."""


class LogDiffers(AuditError):
    """The log is not the one that was signed; a person has to look."""
