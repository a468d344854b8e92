"""What the process that reads a file can do. Whatever it finds goes out through `send`."""

import contextlib
import time
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import Any, Protocol

from jobs.families.transfers.child import reporting
from jobs.families.transfers.files import reader, survey
from jobs.families.transfers.files.encoding import Undecodable
from jobs.families.transfers.files.issues import Issue, Refused
from jobs.families.transfers.files.limits import Limits
from jobs.families.transfers.files.records import Reader, Record
from jobs.families.transfers.files.report import is_set
from jobs.families.transfers.rules.choices import Choices

CHUNK_ISSUES = 2_000
CHUNK_BYTES = 8 * 1024 * 1024
"""A chunk ends early with so many issues or bytes, so that a frame stays within its bounds."""
LOOK_ROWS = 256
"""The clock is looked at once in so many records."""


class Send(Protocol):
    """Sends one frame."""

    def __call__(self, kind: str, head: Mapping[str, Any], body: bytes = b"") -> None: ...


class Convert(Protocol):
    """One record to a line of COPY; None and an issue when it fails. See `rules.timeline`."""

    def __call__(self, record: Record, issues: list[Issue]) -> bytes | None: ...


def run(request: Mapping[str, Any], send: Send) -> None:
    """Do what was asked. Raises Refused."""
    path, spec = Path(request["path"]), request["spec"]
    limits = Limits(**request["limits"])
    choices = Choices.from_json(spec["choices"])
    verb = request["verb"]
    if verb == "survey":
        found = survey.survey(
            path,
            choices,
            limits,
            name=spec.get("name", ""),
            progress=lambda head: send("progress", head),
        )
        send("survey", found | {"peak_bytes": peak_bytes()})
    elif verb == "rows":
        with open_records(path, choices, limits, spec) as records:
            rows(records, converter(choices, records), spec, limits, send)
    elif verb == "report":
        with open_records(path, choices, limits, spec) as records:
            written = reporting.write(
                path, records, choices, spec, lambda head: send("progress", head)
            )
        send("written", {"rows": written, "peak_bytes": peak_bytes()})


def open_records(path: Path, choices: Choices, limits: Limits, spec: Mapping[str, Any]) -> Reader:
    """The reader; an encoding that turns out to be wrong only now refuses the file."""
    try:
        return reader.open_reader(path, choices, limits, columns=spec.get("columns"))
    except Undecodable as error:
        raise undecodable(error) from None


def converter(choices: Choices, records: Reader) -> Convert:
    """Of this kind of import."""
    rules = import_module(f"jobs.families.transfers.rules.{choices.kind}")
    convert: Convert = rules.Converter(records.columns, choices).convert
    return convert


def rows(
    records: Reader, convert: Convert, spec: Mapping[str, Any], limits: Limits, send: Send
) -> None:
    """Chunks of good records, ready for COPY, with what is wrong with the others.

    Records up to `start_row`, and those whose bit is set in the file `skip`, are read past.
    """
    chunk = Chunk(records, spec, send)
    start, leave_out = spec.get("start_row", 0), bitmap(spec.get("skip"))
    taken = 0
    try:
        for record in records:
            row = record.row
            taken += 1
            if taken > limits.rows:
                raise survey.too_many_rows(record, limits.rows)
            if row <= start or (leave_out and is_set(leave_out, row)):
                continue
            line = convert(record, chunk.issues)
            if line is None:
                chunk.failed.append(row)
                size = 0
            else:
                chunk.lines.append(line)
                size = len(line)
            chunk.count(row, size)
    except Undecodable as error:
        chunk.send()
        raise undecodable(error) from None
    except Refused:
        chunk.send()
        raise
    chunk.send()
    end = {"rows": taken, "blank": records.blank, "bytes": records.position}
    send("end", end | {"peak_bytes": peak_bytes()})


class Chunk:
    """What was read and not sent yet."""

    issues: list[Issue]
    failed: list[int]
    lines: list[bytes]
    _rows: int
    _bytes: int
    _first: int
    _last: int
    _until: float

    def __init__(self, records: Reader, spec: Mapping[str, Any], send: Send) -> None:
        self._records, self._send = records, send
        self._most_rows: int = spec.get("chunk_rows", 50_000)
        self._seconds: float = spec.get("chunk_seconds", 1.0)
        self._begin()

    def count(self, row: int, size: int) -> None:
        """One more record is in it; sends when it is full."""
        if not self._rows:
            self._first = row
        self._rows += 1
        self._bytes += size
        self._last = row
        if (
            self._rows >= self._most_rows
            or self._bytes >= CHUNK_BYTES
            or len(self.issues) >= CHUNK_ISSUES
            or (not self._rows % LOOK_ROWS and time.monotonic() > self._until)
        ):
            self.send()

    def send(self) -> None:
        """Send it, unless there is nothing in it."""
        if not self._rows:
            return
        head = {
            "rows": self._rows,
            "first_row": self._first,
            "last_row": self._last,
            "failed": self.failed,
            "issues": [issue.as_json() for issue in self.issues],
            "bytes": self._records.position,
        }
        self._send("chunk", head, b"".join(self.lines))
        self._begin()

    def _begin(self) -> None:
        self.issues = []
        self.failed = []
        self.lines = []
        self._rows = self._bytes = 0
        self._until = time.monotonic() + self._seconds


def bitmap(path: str | None) -> bytes:
    """Rows to leave out: bit `row % 8` of byte `row // 8`."""
    return Path(path).read_bytes() if path else b""


def peak_bytes() -> int:
    """The most memory that this process has had; 0 where the system does not say."""
    with contextlib.suppress(OSError):
        for line in Path("/proc/self/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    return 0


def undecodable(error: Undecodable) -> Refused:
    """The survey would have asked; the file or the choices are not those it saw."""
    return Refused(
        Issue(
            level="file",
            code="encoding_unknown",
            message=f"Row {error.row} is no text in the encoding that was chosen.",
            row=error.row,
            line=error.line,
            detail={"offset": error.bad.offset},
        )
    )
