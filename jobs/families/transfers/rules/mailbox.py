"""What one mail address is: one mailbox, nothing that a header could be broken with.

The local part as in the API (RFC 5321 dot-string, ASCII); the domain in ASCII or in its own script.
"""

import re
import unicodedata

MAX_CHARACTERS = 254

_LOCAL = r"[-!#$%&'*+/=?^_`{}|~0-9A-Za-z]+(?:\.[-!#$%&'*+/=?^_`{}|~0-9A-Za-z]+)*"
_LABEL = r"[^\W_](?:(?:[^\W_]|[\u0300-\u036f]|-){0,61}[^\W_])?"
_TOP = r"(?!\d+\Z)(?:xn--[a-zA-Z0-9-]{1,59}|[^\W_]{2,63})"
_MAILBOX = re.compile(rf"{_LOCAL}@(?:{_LABEL}\.)+{_TOP}")


def is_mailbox(text: str) -> bool:
    """Whether a mail could be sent to this text; blanks around it are not part of one."""
    return len(text) <= MAX_CHARACTERS and _MAILBOX.fullmatch(text) is not None


def key_of(text: str) -> str:
    """What two writings of one address have in common."""
    return unicodedata.normalize("NFC", text.strip()).lower()
