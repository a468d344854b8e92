"""Where the files of an import lie in the object store."""

import uuid

from jobs.families.transfers.models import Import
from jobs.families.transfers.store import prefix


def folder(of: Import) -> str:
    """All of them begin so."""
    return f"{prefix(of.organization_id)}imports/{of.pk}/"


def upload(of: Import) -> str:
    """What was received, to the byte."""
    return f"{folder(of)}upload"


def issues(of: Import) -> str:
    """Every issue of its rows, one JSON object a line, in the order of the file."""
    return f"{folder(of)}issues.jsonl"


def skipped(of: Import) -> str:
    """A bitmap of the rows that a commit leaves out (`bitmap`)."""
    return f"{folder(of)}skipped"


def planned(of: Import, kind: str) -> str:
    """The lines of the plan, in CSV (`planned`)."""
    return f"{folder(of)}planned/{kind}.csv"


def reports(of: Import) -> str:
    """All its reports begin so, those that nobody names any more too."""
    return f"{folder(of)}report/"


def new_report(of: Import, which: str) -> str:
    """A name for one that is about to be made: of this turn, and of nobody who makes it beside."""
    return f"{reports(of)}{of.turn}/{which}-{uuid.uuid4().hex}"


def report(of: Import, which: str) -> str:
    """The file again, or some of its rows, with what became of each: where the row says it is."""
    return str(of.reports[which]["key"])
