"""The errors of imports.

ImportRefused        a wish that cannot be followed; `code` is stable, `facts` hold the numbers
├── UploadRefused    the file is not taken: too large, or too many are waiting
├── WrongState       the import is not in a state that allows it
├── NotApprovable    the plan may not be committed, or only once somebody has confirmed it
└── NotUndoable      nothing to take back, or too late
ImportStopped        in a worker: the import ends here; carries the issue, for people
"""

from typing import Any

from jobs.errors import JobsError
from jobs.families.transfers.files.issues import Issue


class ImportRefused(JobsError):
    """A wish about an import that cannot be followed.

    code: stable, for programs. facts: what an answer to the person needs, such as limit and found.
    """

    def __init__(self, code: str, message: str, **facts: Any) -> None:
        self.code = code
        self.facts = facts
        super().__init__(message)


class UploadRefused(ImportRefused):
    """The file is not taken, and nothing of it is kept."""


class WrongState(ImportRefused):
    """The import is in another state than the wish needs. facts: state, wanted."""

    def __init__(self, wish: str, state: str, wanted: tuple[str, ...]) -> None:
        super().__init__(
            "wrong_state",
            f"The import is {state}; to {wish} it, it has to be {' or '.join(wanted)}. Look at it "
            "again: somebody may have been quicker.",
            state=state,
            wanted=list(wanted),
        )


class NotApprovable(ImportRefused):
    """The plan may not be committed as it stands."""


class NotUndoable(ImportRefused):
    """It cannot be taken back."""


class ImportStopped(JobsError):
    """The import cannot go on by itself. No fault of its job, which has done its work."""

    def __init__(self, issue: Issue) -> None:
        self.issue = issue
        super().__init__(issue.message)
