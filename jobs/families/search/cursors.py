"""A place in the results of a search: opaque to clients, good for one generation.

It is checked and not signed: whatever it says, what is behind it is of the same organization.
"""

import base64
import struct

_FORM = struct.Struct(">qfq")  # the number of the generation, score, id
PATTERN = r"^[A-Za-z0-9_-]{27}$"


def write(number: int, score: float, document_id: int) -> str:
    """The cursor of the last match that was seen."""
    return base64.urlsafe_b64encode(_FORM.pack(number, score, document_id)).rstrip(b"=").decode()


def read(cursor: str) -> tuple[int, float, int]:
    """Number, score and id. Raises ValueError for what no cursor can be."""
    try:
        return _FORM.unpack(base64.urlsafe_b64decode(cursor + "="))
    except struct.error as error:
        raise ValueError("this is no cursor") from error
