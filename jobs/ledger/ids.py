"""Ids of new jobs: UUIDv7, whose first bits are the time (RFC 9562, section 6.2, method 3).

Made here and not by PostgreSQL, whose `uuidv7()` opens the system's source of randomness once an
id, 3 µs, and would have to tell every one.
"""

import os
import struct
import threading
import time
import uuid
from collections.abc import Iterator

SIZE = 16  # bytes

_VERSION, _VARIANT = 0x7000, 0x8000_0000_0000_0000
_lock = threading.Lock()
_last = 0  # 48 bits of milliseconds and twelve of a fraction, of the newest id


def _renew_lock() -> None:
    """In a child that was forked while another thread of its parent held it."""
    global _lock
    _lock = threading.Lock()


os.register_at_fork(after_in_child=_renew_lock)


def new_ids(count: int) -> bytes:
    """So many, SIZE bytes each; each is greater than all before it in this process."""
    global _last
    now = (time.time_ns() << 12) // 1_000_000
    with _lock:
        first = max(now, _last + 1)
        _last = first + count - 1
    words: list[int] = []
    for at, chance in zip(
        range(first, first + count), struct.unpack(f">{count}Q", os.urandom(8 * count)), strict=True
    ):
        words += ((at >> 12) << 16 | _VERSION | at & 0xFFF, _VARIANT | chance >> 2)
    return struct.pack(f">{2 * count}Q", *words)


def as_array(ids: bytes) -> str:
    """As uuid[] of PostgreSQL, in their order."""
    return "{" + ids.hex(",", SIZE) + "}"


def as_texts(ids: bytes) -> list[str]:
    """As `str(uuid)` writes them."""
    digits = ids.hex()
    return [
        f"{digits[at : at + 8]}-{digits[at + 8 : at + 12]}-{digits[at + 12 : at + 16]}"
        f"-{digits[at + 16 : at + 20]}-{digits[at + 20 : at + 32]}"
        for at in range(0, len(digits), 2 * SIZE)
    ]


def each(ids: bytes) -> Iterator[bytes]:
    """One after the other."""
    return (ids[at : at + SIZE] for at in range(0, len(ids), SIZE))


def at(ids: bytes | bytearray, place: int) -> uuid.UUID:
    """One of them."""
    return uuid.UUID(bytes=bytes(ids[SIZE * place : SIZE * (place + 1)]))
