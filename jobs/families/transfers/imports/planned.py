"""The plan line by line, for whoever approves it: tables in CSV, kept beside the import's files.

added       the values that new entries would have: of the first rows; all stand in the file itself
changed     each value that would be another one, as it is and as it would be
removed     each entry or person that the file leaves out
"""

import csv
import hashlib
import io
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

from audit.record import record
from jobs.families.transfers.errors import NotThere
from jobs.families.transfers.imports import files
from jobs.families.transfers.imports.errors import WrongState
from jobs.families.transfers.imports.issue_log import read
from jobs.families.transfers.imports.upload import PERMISSIONS
from jobs.families.transfers.links import Download, Link
from jobs.families.transfers.models import Import
from jobs.families.transfers.rules.formula import escape, unescape
from jobs.families.transfers.store import store
from tenancy.acting import current

KINDS = ("added", "changed", "removed")
COLUMNS = {
    "timeline": ("row", "id", "external_id", "title", "field", "before", "after"),
    "roster": ("row", "mail", "field", "before", "after"),
}
MOST_SHOWN = 1_000
"""Lines of each kind that are shown one by one, and rows that `added` is about."""


class Planned:
    """Those of one dry run, in a folder of its own on this machine."""

    def __init__(self, of: Import, folder: Path) -> None:
        self._of, self._folder = of, folder
        self._digests = {kind: hashlib.sha256() for kind in KINDS}
        self.lines = dict.fromkeys(KINDS, 0)
        for kind in KINDS:
            self.path(kind).write_bytes(_line(COLUMNS[of.kind]))

    def add(self, kind: str, lines: Iterable[bytes]) -> None:
        """More lines of CSV."""
        with self.path(kind).open("ab") as file:
            for line in lines:
                file.write(line)
                self._digests[kind].update(line)
                self.lines[kind] += 1

    def add_values(self, kind: str, lines: Iterable[Iterable[str | None]]) -> None:
        """More lines, of text that may be anything."""
        self.add(kind, (_line(escape(one or "") for one in line) for line in lines))

    def path(self, kind: str) -> Path:
        """Where they are, below a header."""
        return self._folder / f"planned-{kind}.csv"

    def sha256(self, kind: str) -> str:
        """Of the lines."""
        return self._digests[kind].hexdigest()

    def put(self) -> None:
        """Keep them, in place of those of an earlier plan."""
        for kind in KINDS:
            store().put(files.planned(self._of, kind), read(self.path(kind)))


def first(of: Import, kind: str) -> list[dict[str, str]]:
    """The first MOST_SHOWN lines, each by column; none where there is no plan, or no file any more.

    For those who may import; the caller asks for that.
    """
    if of.plan is None or of.upload_removed_at:
        return []
    try:
        pieces = store().open(files.planned(of, kind))
    except NotThere:
        return []
    lines = islice(csv.DictReader(_texts(pieces)), MOST_SHOWN)
    return [{name: unescape(value) for name, value in line.items()} for line in lines]


def link(of: Import, kind: str) -> str:
    """As `report.link`, of all lines. Raises WrongState without a plan, NotThere after its days."""
    if of.plan is None:
        raise WrongState("read the plan of", of.state, ("validated",))
    key = files.planned(of, kind)
    if of.upload_removed_at:
        raise NotThere(key)
    record("import.report_downloaded", of, detail={"which": f"planned_{kind}"})
    name = f"import-{str(of.pk)[:8]}-planned-{kind}.csv"
    return store().signed_url(
        Link(
            organization_id=of.organization_id,
            key=key,
            actor=str(current().actor),
            permission=PERMISSIONS[of.kind],
            served=Download(file_name=name, content_type="text/csv"),
        )
    )


def _line(values: Iterable[Any]) -> bytes:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerow(values)
    return text.getvalue().encode()


def _texts(pieces: Iterable[bytes]) -> Iterator[str]:
    """Line by line, as `csv` wants them: a value may have several."""
    rest = b""
    for piece in pieces:
        *whole, rest = (rest + piece).split(b"\n")
        yield from (f"{line.decode()}\n" for line in whole)
    if rest:
        yield rest.decode()
