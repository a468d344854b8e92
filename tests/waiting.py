"""Waiting for an event, with a bound: tests never sleep for the clock."""

import time
from collections.abc import Callable


def eventually[T](look: Callable[[], T], *, within: float = 10.0) -> T:
    """What `look` returns as soon as it is true; fails after `within` seconds."""
    deadline = time.monotonic() + within
    while not (seen := look()):
        assert time.monotonic() < deadline, f"not within {within} s; last seen: {seen!r}"
        time.sleep(0.005)
    return seen
