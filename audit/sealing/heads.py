"""The signed head of a log: a C2SP checkpoint (c2sp.org/tlog-checkpoint) in a signed note.

Its origin is the name of the log and the organization: `example.com/audit/7`.
"""

import base64
from collections.abc import Sequence
from dataclasses import dataclass

from audit.errors import BadCheckpoint
from audit.sealing.keys import Keys, PublicKey


@dataclass(frozen=True, kw_only=True)
class Head:
    """What a checkpoint says. size: number of events, which is the last seq."""

    name: str
    organization_id: int
    size: int
    root: bytes

    @property
    def text(self) -> str:
        """What is signed."""
        root = base64.b64encode(self.root).decode()
        return f"{self.name}/{self.organization_id}\n{self.size}\n{root}\n"


def signed(head: Head, keys: Keys) -> str:
    """The checkpoint, with a signature of each key that signs."""
    return "\n".join([head.text, *keys.signatures(head.text), ""])


def opened(note: str, trusted: Sequence[PublicKey]) -> Head:
    """What a checkpoint says, if one of these keys signed it. Raises `BadCheckpoint`."""
    try:
        text, signatures = note.split("\n\n", 1)
        origin, size, root = text.split("\n")[:3]
        name, organization_id = origin.rsplit("/", 1)
        head = Head(
            name=name,
            organization_id=int(organization_id),
            size=int(size),
            root=base64.b64decode(root, validate=True),
        )
    except ValueError as error:
        raise BadCheckpoint(f"{note[:60]!r} is no checkpoint: {error}") from error
    if not is_signed(f"{text}\n", signatures, [key for key in trusted if key.name == name]):
        raise BadCheckpoint(f"The checkpoint of {origin}, size {size}, is signed by no trusted key")
    return head


def is_signed(text: str, signatures: str, trusted: Sequence[PublicKey]) -> bool:
    """Whether one of the signature lines is a trusted key's, over this text (C2SP signed note)."""
    for line in signatures.splitlines():
        try:
            dash, name, encoded = line.split(" ")
            raw = base64.b64decode(encoded, validate=True)
        except ValueError:
            continue
        for key in trusted:
            is_named = (dash, name, raw[:4]) == ("—", key.name, key.id)
            if is_named and key.signed(text, raw[4:]):
                return True
    return False
