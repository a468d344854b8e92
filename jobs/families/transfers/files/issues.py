"""What is wrong with a file, and where: the one shape in which everybody says it.

A code is stable and may be relied on; a message is English, for people, and says what to do.

    file       the whole file is refused, and stays for inspection
    question   it waits for a person: an encoding, a sheet, a date format
    row        this record fails, the others go on
    warn       it passes, and somebody should know
"""

import dataclasses
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, Self

Level = Literal["file", "question", "row", "warn"]

VALUE_CHARACTERS = 100
"""How much of a value is shown."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Issue:
    """One thing that is wrong, or that somebody has to decide.

    level, code, message: how bad, what (stable), and in words.
    row: the record's number as a spreadsheet counts it; a header is row 1.
    line: the physical line on which the record begins, as an editor counts it; CSV and JSONL only.
    column, letter: the header as it is in the file, by its beginning, and its place ("D"). A long
        one in each of a million issues would fill a disk.
    field: what the column is mapped to.
    value: what stands there, as `shown` writes it.
    detail: numbers and names that a page wants: a limit, what was found, the first row.
    """

    level: Level
    code: str
    message: str
    row: int | None = None
    line: int | None = None
    column: str | None = None
    letter: str | None = None
    field: str | None = None
    value: str | None = None
    detail: Mapping[str, Any] = dataclasses.field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.column is not None and len(self.column) > VALUE_CHARACTERS:
            object.__setattr__(self, "column", self.column[:VALUE_CHARACTERS])

    def as_json(self) -> dict[str, Any]:
        """What is known; the rest is left out."""
        found = {name: getattr(self, name) for name in self.__slots__}
        return {name: value for name, value in found.items() if value is not None and value != {}}

    @classmethod
    def from_json(cls, found: Mapping[str, Any]) -> Self:
        """The inverse of `as_json`."""
        return cls(**found)


class Refused(Exception):
    """The whole file is refused; `issue`, of level "file", says why."""

    def __init__(self, issue: Issue) -> None:
        super().__init__(issue.message)
        self.issue = issue


def refused(code: str, message: str, **facts: Any) -> Refused:
    """A refusal in one call."""
    return Refused(Issue(level="file", code=code, message=message, **facts))


def shown(value: object) -> str:
    """The first 100 characters of a value; what does not show (controls, bidi) is written out."""
    text = value if type(value) is str else str(value)
    text = text[:VALUE_CHARACTERS]
    if text.isprintable():
        return text
    return "".join(character if _shows(character) else _written(character) for character in text)


def _shows(character: str) -> bool:
    return character.isprintable() or unicodedata.category(character) == "Zs"


def _written(character: str) -> str:
    return character.encode("unicode_escape").decode("ascii")
