"""Frames between the process that reads a file and the one that started it.

A frame is eight bytes (the lengths of head and body, unsigned, big-endian), a head of JSON and a
body of bytes. Both lengths are bounded: a child that lost its mind cannot fill its parent.
"""

import json
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, BinaryIO

LENGTHS = struct.Struct("!II")
MAX_HEAD_BYTES = 32 * 1024 * 1024
MAX_BODY_BYTES = 32 * 1024 * 1024


class BrokenFrame(Exception):
    """What came is no frame, or a larger one than there may be."""


@dataclass(frozen=True, slots=True)
class Frame:
    """kind: progress, survey, chunk, end, written, refused or failed; the body is of a chunk."""

    kind: str
    head: Mapping[str, Any]
    body: bytes = b""


def write(stream: BinaryIO, kind: str, head: Mapping[str, Any], body: bytes = b"") -> None:
    """Send one frame. Raises BrokenFrame for one that the other side would not take."""
    text = json.dumps({"kind": kind, **head}, ensure_ascii=False, separators=(",", ":"))
    encoded = text.encode("utf-8", "backslashreplace")  # a lone surrogate of a JSON file
    if len(encoded) > MAX_HEAD_BYTES or len(body) > MAX_BODY_BYTES:
        raise BrokenFrame(f"a frame of {len(encoded)} and {len(body)} bytes")
    stream.write(LENGTHS.pack(len(encoded), len(body)))
    stream.write(encoded)
    stream.write(body)
    stream.flush()


def lengths(header: bytes) -> tuple[int, int]:
    """Of head and body. Raises BrokenFrame before anything is allocated for them."""
    head_bytes, body_bytes = LENGTHS.unpack(header)
    if head_bytes > MAX_HEAD_BYTES or body_bytes > MAX_BODY_BYTES:
        raise BrokenFrame(f"a frame of {head_bytes} and {body_bytes} bytes")
    return head_bytes, body_bytes


def frame(head: bytes, body: bytes) -> Frame:
    """From what was read. Raises BrokenFrame."""
    try:
        found = json.loads(head)
        return Frame(found.pop("kind"), found, body)
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise BrokenFrame(f"a head that says nothing: {type(error).__name__}") from error
