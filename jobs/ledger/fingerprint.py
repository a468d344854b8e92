"""Tell one cause of death from another: the same fingerprint for the same cause.

Ids, times, numbers, addresses and quoted values differ from death to death and do not count. What
names a cause does: the names of columns, constraints and attributes, and status and exit codes.
"""

import hashlib
import re

VERSION = 1
READ = 1_000  # characters of a message; its beginning says what happened

_NAMES = (
    "attribute|argument|column|constraint|field|function|key|module named|parameter|relation|table"
)
_KEPT = (
    # The message of a KeyError is the quoted key and nothing else.
    (re.compile(r"^'([A-Za-z_]\w*)'$"), r"\1"),
    (re.compile(rf"\b({_NAMES}) (['\"])([A-Za-z_][\w.]*)\2"), r"\1 \3"),
)
_CODE = re.compile(
    r"\b(?:answered|HTTP(?:/[\d.]+)?|status(?: code)?|code|signal|Errno) -?\d{1,3}\b"
)
_SPELLED = str.maketrans("0123456789", "abcdefghij")
_VARYING = tuple(
    re.compile(pattern)
    for pattern in (
        r"[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}",
        r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?: ?(?:Z|[+-]\d\d:?\d\d))?",
        # An apostrophe inside a word opens no quotation: can't, won't.
        r"(?<!\w)[bru]{0,2}'[^'\n]*'(?!\w)|\"[^\"\n]*\"|“[^”]*”",
        r"(?<==)\([^)\n]*\)",  # PostgreSQL's values: Key (a, b)=(5, x)
        r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+",
        r"\b[0-9A-Fa-f]{0,4}(?::[0-9A-Fa-f]{0,4}){2,7}\b",  # IPv6
        r"\b0x[0-9A-Fa-f]+\b|\b[0-9A-Fa-f]{16,}\b",
        r"\b(?=\w*[A-Za-z])(?=(?:[A-Za-z_]*\d){2})\w{6,}\b",  # ids such as req_8fK2Lw9
        r"[-+]?\d+(?:,\d{3})*(?:\.\d+)?(?:[eE][-+]?\d+)?",
    )
)


def fingerprint(*, job_type: str, reason: str, error_class: str, message: str, place: str) -> str:
    """32 hexadecimal digits. place: `file:line function`, whose line does not count either."""
    where = re.sub(r":\d+ ", " ", place)
    parts = (VERSION, job_type, reason, error_class, kind_of(message), where)
    return hashlib.sha256("\n".join(map(str, parts)).encode()).hexdigest()[:32]


def kind_of(message: str) -> str:
    """The message without what varies from death to death."""
    text = " ".join(message[:READ].split())
    for pattern, kept in _KEPT:
        text = pattern.sub(kept, text)
    text = _CODE.sub(lambda code: code[0].translate(_SPELLED), text)
    for pattern in _VARYING:
        text = pattern.sub("…", text)
    return text
