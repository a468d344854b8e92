"""The child process that reads an import's file, as the engine sees it: frames, or a refusal."""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from jobs.execution.job import Run
from jobs.families.transfers.child.parent import Child, ChildFailed, Verb
from jobs.families.transfers.errors import NotThere
from jobs.families.transfers.files.issues import Issue
from jobs.families.transfers.files.limits import Limits
from jobs.families.transfers.imports import files
from jobs.families.transfers.imports.errors import ImportStopped
from jobs.families.transfers.models import Import
from jobs.families.transfers.store import store
from tenancy.models import Organization

ROSTER = Limits(rows=50_000)  # one transaction, so it cannot be any number
WORDS = {
    "memory_limit": "Reading the file takes too much memory. Split it, or save it anew.",
    "cpu_limit": "Reading the file takes too much computing time. Split it, or save it anew.",
    "time_limit": "Reading the file takes too long. Split it, or save it anew.",
    "crashed": "The file makes its reader crash. Save it anew, or export it in another format.",
}


class FileRefused(Exception):
    """The whole file is refused; `issue` says why."""

    def __init__(self, issue: Issue) -> None:
        self.issue = issue
        super().__init__(issue.message)


@contextmanager
def local(of: Import, *, unchanged: bool = False) -> Iterator[Path]:
    """The file on this machine, as long as the block lasts.

    unchanged: whether to compare its bytes with those that were uploaded, before anything is
    written by them. Raises ImportStopped when it is gone or another.
    """
    try:
        with store().local(files.upload(of)) as path:
            if unchanged and _sha256(path) != of.file_sha256:
                raise ImportStopped(
                    Issue(
                        level="file",
                        code="file_changed",
                        message="The stored file is no longer the one that was uploaded and "
                        "approved. Nothing more is written. Upload it again.",
                    )
                )
            yield path
    except NotThere:
        raise ImportStopped(
            Issue(
                level="file",
                code="file_removed",
                message="The uploaded file has been removed. Upload it again.",
            )
        ) from None


@contextmanager
def frames(run: Run[Any], path: Path, verb: Verb, spec: dict[str, Any]) -> Iterator[Iterator[Any]]:
    """What the child has to say. Raises FileRefused for its refusal, and for its death."""
    try:
        limits = _limits(run, spec["choices"]["kind"])
        with Child(path, verb, spec, limits, check=run.check_cancelled) as child:
            yield _checked(child)
    except ChildFailed as failed:
        issue = Issue(level="file", code=failed.code, message=WORDS[failed.code])
        raise FileRefused(issue) from failed


def _limits(run: Run[Any], kind: str) -> Limits:
    """Those of the organization, where it has its own."""
    if kind == "roster":
        return ROSTER
    with run.transaction():
        mine = Organization.objects.filter(pk=run.organization_id)
        most = mine.values_list("import_rows_limit", flat=True).get()
    return Limits() if most is None else Limits(rows=most)


def _checked(child: Any) -> Iterator[Any]:
    for frame in child:
        if frame.kind == "refused":
            raise FileRefused(Issue.from_json(frame.head["issue"]))
        yield frame


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
