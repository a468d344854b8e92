"""What is kept of an exception: enough to find the line, and to tell one cause from another."""

import hashlib
import re
import traceback
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings

MAX_MESSAGE_LENGTH = 4_000
MAX_TRACEBACK_LENGTH = 16_000
FINGERPRINT_VERSION = 1


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
        """Describe an exception that was raised."""
        frames = traceback.extract_tb(error.__traceback__)
        own = [frame for frame in frames if _is_own(frame.filename)]
        places = "\n".join(f"{_short(frame.filename)} {frame.name}" for frame in frames)
        text = "".join(traceback.format_exception(error))
        return cls(
            error_class=type(error).__qualname__,
            message=_storable(str(error))[:MAX_MESSAGE_LENGTH],
            frame=f"{_short(own[-1].filename)}:{own[-1].lineno} {own[-1].name}" if own else "",
            traceback=_storable(text)[-MAX_TRACEBACK_LENGTH:],
            digest=hashlib.sha256(places.encode()).hexdigest()[:16],
        )

    def fingerprint(self, *, job_type: str, reason: str) -> str:
        """The same for deaths of one cause: ids, times, numbers and quoted values do not count."""
        place = re.sub(r":\d+ ", " ", self.frame)
        parts = (FINGERPRINT_VERSION, job_type, reason, self.error_class, self._kind(), place)
        return hashlib.sha256("\n".join(map(str, parts)).encode()).hexdigest()[:32]

    def _kind(self) -> str:
        text = self.message[:1000]
        for pattern in _VARYING:
            text = pattern.sub("…", text)
        return text


_VARYING = [
    re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", re.IGNORECASE),
    re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:?\d\d)?"),
    re.compile(r"'[^']*'|\"[^\"]*\"|“[^”]*”"),
    re.compile(r"\b0x[0-9a-f]+\b|\b[0-9a-f]{16,}\b", re.IGNORECASE),
    re.compile(r"[-+]?\d+(\.\d+)?"),
]


def _is_own(filename: str) -> bool:
    path = Path(filename)
    return path.is_relative_to(settings.BASE_DIR) and "site-packages" not in path.parts


def _short(filename: str) -> str:
    path = Path(filename)
    if path.is_relative_to(settings.BASE_DIR):
        return str(path.relative_to(settings.BASE_DIR))
    return "/".join(path.parts[-2:])


def _storable(text: str) -> str:
    """PostgreSQL's text holds no NUL and no lone surrogate; an error message may hold both."""
    return text.replace("\x00", "\ufffd").encode("utf-8", "replace").decode()
