"""What the jobs of every system do: count themselves where the harness can read it.

Standard library only, because the peers import it in an environment of their own. A tick costs half
a microsecond: a page of memory per process, shared with the harness through a file.
"""

import mmap
import os
import struct
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

FOLDER = "BENCH_TICKS"  # the environment variable that names where the files lie

_PAGE = struct.Struct("<qqq")  # first and last moment (monotonic ns), how many
_LINE = struct.Struct("<qqqq")


class Count(NamedTuple):
    """The ticks of all processes of one measurement; moments are seconds of the monotonic clock."""

    ticks: int
    first: float
    last: float

    @property
    def rate(self) -> float:
        """Ticks a second between the first and the last."""
        return (self.ticks - 1) / max(self.last - self.first, 1e-9)


class Line(NamedTuple):
    """One entry of a journal: what a job tells about itself. Moments are monotonic ns."""

    tag: int
    asked: int
    started: int
    ended: int


class _Page:
    def __init__(self) -> None:
        draft = Path(os.environ[FOLDER], f"{os.getpid()}.draft")
        draft.write_bytes(bytes(_PAGE.size))
        with draft.open("r+b") as file:
            self.memory = mmap.mmap(file.fileno(), _PAGE.size)
        draft.rename(draft.with_suffix(".ticks"))
        self.lock = threading.Lock()
        self.first = self.count = 0

    def tick(self) -> None:
        with self.lock:
            now = time.monotonic_ns()
            self.first = self.first or now
            self.count += 1
            _PAGE.pack_into(self.memory, 0, self.first, now, self.count)


_pages: dict[int, _Page] = {}  # by process: some peers fork after they have imported us
_journals: dict[int, int] = {}
_opening = threading.Lock()


def tick() -> None:
    """Count one job of this process."""
    pid = os.getpid()
    if pid not in _pages:
        with _opening:
            _pages[pid] = _pages.get(pid) or _Page()
    _pages[pid].tick()


def tell(tag: int, asked: int, started: int, ended: int) -> None:
    """Write one line into the journal of this process."""
    pid = os.getpid()
    if pid not in _journals:
        path = Path(os.environ[FOLDER], f"{pid}.journal")
        # Two threads at once open it twice, and both append.
        _journals[pid] = os.open(path, os.O_CREAT | os.O_APPEND | os.O_WRONLY, 0o644)
    os.write(_journals[pid], _LINE.pack(tag, asked, started, ended))


def read(folder: Path) -> Count:
    """What was counted so far, by all processes together."""
    pages = [_PAGE.unpack(path.read_bytes()) for path in folder.glob("*.ticks")]
    counted = [page for page in pages if page[2]]
    if not counted:
        return Count(0, 0.0, 0.0)
    first, last = min(page[0] for page in counted), max(page[1] for page in counted)
    return Count(sum(page[2] for page in counted), first / 1e9, last / 1e9)


def journal(folder: Path) -> Iterator[Line]:
    """All lines that were written so far."""
    for path in folder.glob("*.journal"):
        data = path.read_bytes()
        whole = data[: len(data) // _LINE.size * _LINE.size]
        yield from (Line(*line) for line in _LINE.iter_unpack(whole))
