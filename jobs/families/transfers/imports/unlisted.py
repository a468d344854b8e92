"""What a replacing file does not have: found by the dry run, approved by number, removed last.

A timeline's file in mode `replace` is the whole timeline of each mission that it names. The entries
of those that no row is about are the lines `removed` of the plan, and those are what a person
approves: they are found again before the commit writes anything, and if they are others by then,
the import goes back to review. Removal comes last, so that what ends a commit early has lost
nothing.
"""

import csv
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import batched, islice
from typing import Any

from jobs.families.transfers.files.issues import Issue
from jobs.families.transfers.imports import files, removals
from jobs.families.transfers.imports.planned import Planned
from jobs.families.transfers.imports.statements import lines
from jobs.families.transfers.imports.statements import run as sql
from jobs.families.transfers.models import Import
from jobs.families.transfers.rules.formula import unescape
from jobs.families.transfers.store import store

MOST_NAMED = 1_000
"""So many are told one by one among the messages."""


def find(of: Import, planned: Planned) -> dict[str, Any]:
    """Compare what the dry run has seen with what is there, in its transaction.

    Returns what of it belongs into the plan, by which the commit knows it again.
    """
    organization = {"organization_id": of.organization_id}
    planned.add("removed", lines("unlisted", organization))
    [named] = sql("named", organization)
    return {
        "removed": planned.lines["removed"],
        "entries": named["entries"],
        "removals_sha256": planned.sha256("removed"),
    }


def issues(planned: Planned, plan: dict[str, Any]) -> Iterator[Issue]:
    """That there are many, and the first of them."""
    if removals.are_many(plan):
        yield removals.warning(plan)
    with planned.path("removed").open(encoding="utf-8", newline="") as file:
        for line in islice(csv.DictReader(file), MOST_NAMED):
            yield Issue(
                level="warn",
                code="not_listed",
                message=f"The file names mission {line['before']} and leaves this entry out: "
                f"“{unescape(line['title'])}” is removed.",
                row=0,
                value=unescape(line["external_id"]) or line["id"],
                detail={"entry": int(line["id"]), "mission": line["before"]},
            )


@contextmanager
def rest(of: Import, size: int) -> Iterator[Iterator[tuple[dict[str, str], ...]]]:
    """The lines of what is not removed yet, in pieces of at most `size`.

    `done["unlisted"]` says how many are.
    """
    begin = of.done.get("unlisted", 0)
    with (
        store().local(files.planned(of, "removed")) as path,
        path.open(encoding="utf-8", newline="") as file,
    ):
        yield batched(islice(csv.DictReader(file), begin, None), size)
