"""What is kept of an exception: enough to find the line, and to tell one cause from another."""

import hashlib
import traceback
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings

from jobs.ledger.fingerprint import fingerprint

# What the columns take, or less.
MAX_CLASS_LENGTH = 200
MAX_FRAME_LENGTH = 300
MAX_MESSAGE_LENGTH = 4_000
MAX_TRACEBACK_LENGTH = 16_000


@dataclass(frozen=True, kw_only=True)
class Failure:
    """How an attempt failed.

    error_class, message: of the exception. frame: the innermost line of our own code, `file:line
    function`. traceback: the whole, cut at its end. digest: of the traceback's lines of code.
    """

    error_class: str
    message: str
    frame: str = ""
    traceback: str = ""
    digest: str = ""

    @classmethod
    def of(cls, error: BaseException) -> "Failure":
        """Describe an exception that was raised.

        Never raises, and what it returns can be stored: a failure that could not be written would
        keep its job running for ever.
        """
        frames = traceback.extract_tb(error.__traceback__)
        own = [frame for frame in frames if _is_own(frame.filename)]
        places = "\n".join(f"{_short(frame.filename)} {frame.name}" for frame in frames)
        text = "".join(traceback.format_exception(error))
        return cls(
            error_class=storable(type(error).__qualname__)[:MAX_CLASS_LENGTH],
            message=storable(_words(error))[:MAX_MESSAGE_LENGTH],
            frame=storable(_place(own[-1]))[-MAX_FRAME_LENGTH:] if own else "",
            traceback=storable(text)[-MAX_TRACEBACK_LENGTH:],
            digest=hashlib.sha256(places.encode(errors="replace")).hexdigest()[:16],
        )

    def fingerprint(self, *, job_type: str, reason: str) -> str:
        """The same for deaths of one cause; see `fingerprint`."""
        return fingerprint(
            job_type=job_type,
            reason=reason,
            error_class=self.error_class,
            message=self.message,
            place=self.frame,
        )


def _words(error: BaseException) -> str:
    try:
        return str(error)
    except Exception as unreadable:  # noqa: BLE001 - whatever a class of an actor's may raise
        return f"(its text could not be read: {type(unreadable).__name__})"


def _place(frame: traceback.FrameSummary) -> str:
    return f"{_short(frame.filename)}:{frame.lineno} {frame.name}"


def _is_own(filename: str) -> bool:
    path = Path(filename)
    if not path.is_relative_to(settings.BASE_DIR) or "site-packages" in path.parts:
        return False
    # What every query passes through tells nobody where the mistake is.
    return not path.is_relative_to(settings.BASE_DIR / "tenancy" / "postgresql")


def _short(filename: str) -> str:
    path = Path(filename)
    if path.is_relative_to(settings.BASE_DIR):
        return str(path.relative_to(settings.BASE_DIR))
    return "/".join(path.parts[-2:])


def storable(text: str) -> str:
    """PostgreSQL's text holds no NUL and no lone surrogate; an error message may hold both."""
    return text.replace("\x00", "\ufffd").encode("utf-8", "replace").decode()
