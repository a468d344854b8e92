"""Frames between the process that reads a file and the one that started it."""

import io

import pytest

from jobs.families.transfers.child import protocol


def test_a_frame_is_read_as_it_was_written() -> None:
    stream = io.BytesIO()

    protocol.write(stream, "chunk", {"rows": 2, "text": "ö\ud800"}, b"a\tb\n")

    head_bytes, body_bytes = protocol.lengths(stream.getvalue()[:8])
    rest = stream.getvalue()[8:]
    frame = protocol.frame(rest[:head_bytes], rest[head_bytes:])
    assert (frame.kind, frame.body, body_bytes) == ("chunk", b"a\tb\n", 4)
    assert frame.head == {"rows": 2, "text": "ö\ud800"}


@pytest.mark.parametrize("lengths", [(2**31, 0), (0, 2**31)])
def test_a_frame_that_is_too_large_is_refused_before_it_is_read(lengths: tuple[int, int]) -> None:
    with pytest.raises(protocol.BrokenFrame):
        protocol.lengths(protocol.LENGTHS.pack(*lengths))


def test_a_frame_that_is_too_large_is_not_sent() -> None:
    with pytest.raises(protocol.BrokenFrame):
        protocol.write(io.BytesIO(), "chunk", {}, bytes(protocol.MAX_BODY_BYTES + 1))


@pytest.mark.parametrize("head", [b"", b"[]", b"{}", b"\xff", b"[" * 100_000])
def test_a_head_that_says_nothing_is_refused(head: bytes) -> None:
    with pytest.raises(protocol.BrokenFrame):
        protocol.frame(head, b"")
