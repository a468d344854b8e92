"""The errors of this app.

TemplateError
├── UnknownTemplate      no such event type or channel in the catalogue
├── RenderingFailed      this template and this data do not go together; says where
│   └── BudgetExceeded   it took too much processor time, memory, wall-clock time or output
├── HelperUnavailable    no helper process could be had, so nothing was rendered
├── EditConflict         somebody saved since this editor opened; both texts are at hand
└── PublishRefused       the version has errors, or a required sample fails
"""

from collections.abc import Mapping, Sequence
from typing import Any

__all__ = [
    "BudgetExceeded",
    "EditConflict",
    "HelperUnavailable",
    "PublishRefused",
    "RenderingFailed",
    "TemplateError",
    "UnknownTemplate",
]


class TemplateError(Exception):
    """Anything that this app refuses."""


class UnknownTemplate(TemplateError):
    """The catalogue has no such event type, channel or part."""


class RenderingFailed(TemplateError):
    """A template could not be rendered.

    reason: one word for logs and records: `syntax`, `template_error`, `subject_refused`,
    `body_invalid`, `too_large`, `budget_exceeded`.
    part: which source it is about: `subject`, `text`, `html` or `body`.
    line, column: from 1, where they are known.
    """

    def __init__(
        self,
        message: str,
        *,
        reason: str = "template_error",
        part: str = "",
        line: int | None = None,
        column: int | None = None,
    ) -> None:
        self.message = message
        self.reason = reason
        self.part = part
        self.line = line
        self.column = column
        super().__init__(message)

    def __str__(self) -> str:
        where = f"{self.part} " if self.part else ""
        where += f"line {self.line}, column {self.column}" if self.line else ""
        return f"{where.strip()}: {self.message}" if where else self.message


class BudgetExceeded(RenderingFailed):
    """The template ran into a limit of its helper process, which is gone."""

    def __init__(self, message: str, *, part: str = "") -> None:
        super().__init__(message, reason="budget_exceeded", part=part)


class HelperUnavailable(TemplateError):
    """No helper process could be started or was free in time; no template is to blame."""


class EditConflict(TemplateError):
    """Somebody saved a version since this editor was opened.

    Nothing was written: `yours` is what was to be saved, `theirs` the newest version's sources.
    """

    def __init__(
        self,
        *,
        base: int,
        newest: int,
        author: str,
        yours: Mapping[str, str],
        theirs: Mapping[str, str],
    ) -> None:
        self.base = base
        self.newest = newest
        self.author = author
        self.yours = dict(yours)
        self.theirs = dict(theirs)
        super().__init__(
            f"You started from version {base}, but {author} saved version {newest} since. "
            f"Nothing was lost: compare the two texts, and save again on top of version {newest}."
        )


class PublishRefused(TemplateError):
    """The version was not published; `problems` lists every reason, as `validate.Problem`."""

    def __init__(self, problems: Sequence[Any]) -> None:
        self.problems = list(problems)
        count = len(self.problems)
        super().__init__(
            f"Not published: {count} problem{'s' if count != 1 else ''} to mend first."
        )
