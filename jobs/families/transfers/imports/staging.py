"""One chunk of checked rows against what is there, in the caller's transaction: staged, resolved.

What the database finds wrong with a row has its words here, beside those of `rules`.
"""

from typing import Any

from django.db import connection

from jobs.families.transfers.files.issues import Issue, shown
from jobs.families.transfers.imports.statements import run
from jobs.families.transfers.rules.choices import Choices
from jobs.families.transfers.rules.timeline import STAGED

WORDS = {
    "unknown_reference": "There is no {field} {value} in this organization. Check the spelling; "
    "it has to exist before the import.",
    "not_editable": "Mission {value} belongs to an archived project and is kept to read. Make the "
    "project active again, or leave the row out.",
    "identity_conflict": "The id is that of one entry and the external id that of another. Remove "
    "one of the two from the row.",
    "required": "{field} is empty, and there is no entry yet that has one. Fill it in.",
    "before_start": "It would end before it starts: the end that stays is earlier than the new "
    "start. Give both.",
    "duplicate_key": "The same entry is in row {first} already, with other values. Keep one.",
    "duplicate_same": "The same entry with the same values is in row {first} already. It is "
    "imported once.",
}
_GIVEN = {"id": "id", "external_id": "key", "mission": "mission"}


def stage(organization_id: int, rows: bytes, *, commits: bool) -> None:
    """Put a chunk beside what is there: tables imports_staged, imports_resolved."""
    run("by_index")
    run("stage")
    columns = ", ".join(STAGED)
    with (
        connection.cursor() as cursor,
        cursor.copy(f"COPY imports_staged ({columns}) FROM STDIN") as copy,
    ):
        copy.write(rows)
    run("resolve", {"organization_id": organization_id, "commits": commits})


class Namer:
    """Says of a field which column of the file it is."""

    def __init__(self, choices: Choices, columns: list[dict[str, Any]]) -> None:
        by_index = {one["index"]: one for one in columns}
        self._columns = {
            field: by_index.get(index, {}) for index, field in choices.columns.items() if field
        }

    def problems(self, **detail: Any) -> list[Issue]:
        """What is wrong with the rows of the chunk that was staged, in the order of the file."""
        return [
            self._issue(row, problem, detail)
            for row in run("problems")
            for problem in row["problems"]
        ]

    def twice(self, row: dict[str, Any]) -> Issue:
        """A row that is about the entry of an earlier one."""
        code = "duplicate_same" if row["is_same"] else "duplicate_key"
        field = "external_id" if "external_id" in self._columns else "id"
        return Issue(
            level="warn" if row["is_same"] else "row",
            code=code,
            message=WORDS[code].format(first=row["first_row"]),
            row=row["row"],
            line=row["line"],
            detail={"first_row": row["first_row"]},
            **self.place(field),
        )

    def _issue(self, row: dict[str, Any], problem: str, detail: dict[str, Any]) -> Issue:
        field, _, code = problem.partition(":")
        given = row.get(_GIVEN.get(field, ""))
        value = None if given is None else shown(given)
        return Issue(
            level="row",
            code=code,
            message=WORDS[code].format(field=field, value=value),
            row=row["row"],
            line=row["line"],
            value=value,
            detail=detail,
            **self.place(field),
        )

    def place(self, field: str) -> dict[str, Any]:
        """What an issue says of the place where a field stands, or would."""
        column = self._columns.get(field, {})
        return {
            "field": field,
            "column": column.get("name"),
            "letter": column.get("letter"),
        }
