"""What a replacing file does not have: found by the dry run, approved by number, removed last.

A timeline's file in mode `replace` is the whole timeline of each mission that it names. The entries
of those that no row is about are listed in an object of their own, and that list is what a person
approves: it is made again before the commit writes anything, and if it is another one by then, the
import goes back to review. Removal comes last, so that what ends a commit early has lost nothing.
"""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import batched, islice
from pathlib import Path
from typing import Any

from jobs.families.transfers.files.issues import Issue
from jobs.families.transfers.imports import files, removals
from jobs.families.transfers.imports.issue_log import read
from jobs.families.transfers.imports.statements import lines
from jobs.families.transfers.imports.statements import run as sql
from jobs.families.transfers.models import Import
from jobs.families.transfers.store import store
from tenancy.models import TimelineEntry

MOST_NAMED = 1_000
"""So many are told one by one among the messages."""


@dataclass(frozen=True, kw_only=True)
class Unlisted:
    """A list of entries, each with its mission, and how many entries those missions have."""

    path: Path
    count: int
    sha256: str
    entries: int

    @property
    def plan(self) -> dict[str, Any]:
        """What of it belongs into the plan, by which the commit knows it again."""
        return {"removed": self.count, "entries": self.entries, "removals_sha256": self.sha256}

    def put(self, of: Import) -> None:
        """Keep it beside the import's other files."""
        store().put(files.unlisted(of), read(self.path))

    def issues(self, of: Import) -> Iterator[Issue]:
        """That there are many, and the first of them; in the caller's transaction."""
        if removals.are_many(self.plan):
            yield removals.warning(self.plan)
        with self.path.open("rb") as all_lines:
            ids = [pair[0] for pair in map(_pair, islice(all_lines, MOST_NAMED))]
        found = TimelineEntry.objects.filter(organization_id=of.organization_id, pk__in=ids)
        for entry in found.select_related("mission").order_by("pk"):
            yield Issue(
                level="warn",
                code="not_listed",
                message=f"The file names mission {entry.mission.reference} and leaves this entry "
                f"out: “{entry.title}” is removed.",
                row=0,
                value=entry.external_id or str(entry.pk),
                detail={"entry": entry.pk, "mission": entry.mission.reference},
            )


def find(of: Import, folder: Path) -> Unlisted:
    """Compare what the dry run has seen with what is there, in its transaction."""
    path, digest, count = folder / "unlisted", hashlib.sha256(), 0
    organization = {"organization_id": of.organization_id}
    with path.open("wb") as file:
        for line in lines("unlisted", organization):
            file.write(line)
            digest.update(line)
            count += 1
    [named] = sql("named", organization)
    return Unlisted(path=path, count=count, sha256=digest.hexdigest(), entries=named["entries"])


@contextmanager
def rest(of: Import, size: int) -> Iterator[Iterator[tuple[tuple[int, int], ...]]]:
    """What is not removed yet, in pieces of at most `size` pairs of entry and mission.

    `done["unlisted"]` says how many are.
    """
    with store().local(files.unlisted(of)) as path, path.open("rb") as all_lines:
        begin = of.done.get("unlisted", 0)
        yield batched(map(_pair, islice(all_lines, begin, None)), size)


def _pair(line: bytes) -> tuple[int, int]:
    entry, mission = line.split(b"\t")
    return int(entry), int(mission)
