"""The statement of an export: which rows, which columns, written how.

It names the organization although row security does too, so that the planner knows. Rows come in
the order of a key that an index has (`id`), or of the mail address for a roster, which is short.
Empty text and no value: told apart in JSONL and Parquet; CSV, TSV and XLSX have both as an empty
cell, which an import leaves alone.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from jobs.families.transfers.rules.fields import FIELDS, Kind
from jobs.families.transfers.rules.formula import escape_sql

Type = Literal["text", "integer", "moment"]
Shape = Literal["cells", "written", "typed", "objects"]
"""How rows leave PostgreSQL: as cells that a spreadsheet opens, so without formulas; as the same
text unmarked; as PostgreSQL writes its types, for a program; as JSON."""

type Way = Callable[[str], str]
"""From a column's expression to what is written of it."""

SCHEMA_VERSION = 1
"""Of the files: another set of fields, or another meaning of one, is another version."""


@dataclass(frozen=True, kw_only=True)
class Column:
    """A column of the file: the name in its header, and where it comes from."""

    name: str
    type: Type
    sql: str


@dataclass(frozen=True, kw_only=True)
class Source:
    """What is exported: columns, tables, and the filters that may narrow it."""

    columns: Sequence[Column]
    tables: str
    key: str
    filters: Mapping[str, str]

    def column(self, name: str) -> Column:
        """The column of this name. Raises KeyError."""
        return {one.name: one for one in self.columns}[name]


_TIMELINE = Source(
    columns=[
        Column(name="external_id", type="text", sql="e.external_id"),
        Column(name="id", type="integer", sql="e.id"),
        Column(name="mission", type="text", sql="m.reference"),
        Column(name="kind", type="text", sql="e.kind"),
        Column(name="title", type="text", sql="e.title"),
        Column(name="starts_at", type="moment", sql="e.starts_at"),
        Column(name="ends_at", type="moment", sql="e.ends_at"),
        Column(name="location", type="text", sql="e.location"),
        Column(name="notes", type="text", sql="e.notes"),
    ],
    tables="""tenancy_timelineentry e
        LEFT JOIN tenancy_mission m
            ON m.organization_id = e.organization_id AND m.id = e.mission_id
        WHERE e.organization_id = %(organization_id)s""",
    key="e.id",
    filters={
        "project_id": "m.project_id = %(project_id)s",
        "mission_id": "e.mission_id = %(mission_id)s",
        "kind": "e.kind = %(kind)s",
        "starts_from": "e.starts_at >= %(starts_from)s::timestamptz",
        "starts_until": "e.starts_at < %(starts_until)s::timestamptz",
    },
)

# Who belongs to the organization, as an import of rosters reads it: members, and those who are
# invited and may still accept.
_ROSTER = Source(
    columns=[
        Column(name="mail", type="text", sql="p.mail"),
        Column(name="name", type="text", sql="p.name"),
        Column(name="role", type="text", sql="p.role"),
        Column(name="status", type="text", sql="p.status"),
    ],
    tables="""(
        SELECT lower(u.email) AS mail, u.name, b.role,
            CASE WHEN b.deactivated_at IS NULL THEN 'active' ELSE 'inactive' END AS status
        FROM tenancy_membership b JOIN tenancy_user u ON u.id = b.user_id
        WHERE b.organization_id = %(organization_id)s
        UNION ALL
        SELECT i.email, i.name, i.role, 'invited'
        FROM tenancy_invitation i
        WHERE i.organization_id = %(organization_id)s AND i.state = 'pending'
            AND i.expires_at > now()
            AND NOT EXISTS (
                SELECT FROM tenancy_membership b JOIN tenancy_user u ON u.id = b.user_id
                WHERE b.organization_id = i.organization_id AND lower(u.email) = i.email
            )
    ) p WHERE true""",
    key='p.mail COLLATE "C"',
    filters={"status": "p.status = %(status)s"},
)

SOURCES: dict[Kind, Source] = {"timeline": _TIMELINE, "roster": _ROSTER}

for _kind, _source in SOURCES.items():
    # What goes out must come in again.
    assert {one.name for one in _source.columns} <= {one.name for one in FIELDS[_kind]}


@dataclass(frozen=True, kw_only=True)
class Query:
    """One export's statement, for psycopg."""

    source: Source
    columns: Sequence[Column]
    organization_id: int
    filters: Mapping[str, Any]

    @property
    def parameters(self) -> dict[str, Any]:
        """Of `counting` and `copying` alike."""
        return {"organization_id": self.organization_id, **self.filters}

    def counting(self) -> str:
        """How many rows there are."""
        return f"SELECT count(*) FROM {self._rows}"  # noqa: S608 - all of it is ours

    def copying(self, shape: Shape, options: str) -> str:
        """The COPY; `options` are its format's."""
        selected = _SELECTED[shape](self.columns)
        rows = f"SELECT {selected} FROM {self._rows} ORDER BY {self.source.key}"  # noqa: S608 - ours
        return f"COPY ({rows}) TO STDOUT WITH ({options})"

    @property
    def _rows(self) -> str:
        return " AND ".join(
            [self.source.tables, *(self.source.filters[name] for name in self.filters)]
        )


def query(
    kind: Kind, *, organization_id: int, fields: Sequence[str], filters: Mapping[str, Any]
) -> Query:
    """Raises KeyError for a field or a filter that the kind does not have."""
    source = SOURCES[kind]
    given = {name: value for name, value in filters.items() if value is not None}
    return Query(
        source=source,
        columns=[source.column(name) for name in fields],
        organization_id=organization_id,
        filters={name: given[name] for name in given if source.filters[name]},
    )


def moment_sql(expression: str) -> str:
    """RFC 3339 in UTC; without a fraction where there is none. The session's zone is UTC.

    Whole seconds, which nearly all are, are written as PostgreSQL writes a moment of our time, with
    two signs exchanged: `to_char` takes twice as long.
    """
    whole = f"{expression} = {expression}::timestamptz(0)"
    ours = f"{expression} >= '0001-01-01Z' AND {expression} < 'infinity'"
    swift = f"replace(replace({expression}::text, ' ', 'T'), '+00', 'Z')"
    written = f"to_char({expression} AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')"
    any_other = f"replace({written}, '.000000Z', 'Z')"
    return f"CASE WHEN {whole} AND {ours} THEN {swift} ELSE {any_other} END"


def _cells(columns: Sequence[Column]) -> str:
    return _named(columns, text=escape_sql, moment=moment_sql)


def _written(columns: Sequence[Column]) -> str:
    return _named(columns, moment=moment_sql)


def _typed(columns: Sequence[Column]) -> str:
    return _named(columns)


def _objects(columns: Sequence[Column]) -> str:
    pairs = ", ".join(
        f"'{one.name}', {moment_sql(one.sql) if one.type == 'moment' else one.sql}"
        for one in columns
    )
    return f"json_build_object({pairs})"


def _named(
    columns: Sequence[Column],
    *,
    text: Way = str,
    moment: Way = str,
) -> str:
    ways: dict[Type, Way] = {"text": text, "moment": moment, "integer": str}
    return ", ".join(f"{ways[one.type](one.sql)} AS {one.name}" for one in columns)


_SELECTED: dict[Shape, Callable[[Sequence[Column]], str]] = {
    "cells": _cells,
    "written": _written,
    "typed": _typed,
    "objects": _objects,
}
