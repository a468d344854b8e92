"""JSONL: one object on each line; its keys are the columns.

There is no header, so `row` and `line` are the same number. The columns are all keys of the file,
in the order in which they first occur: a key that comes late is a column too. An absent key and
null are None, which is not the same as "".
"""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Self

from jobs.families.transfers.files.columns import (
    HEADER_CHARACTERS,
    refuse_unkeepable,
    too_long_cells,
)
from jobs.families.transfers.files.encoding import BadBytes, Undecodable
from jobs.families.transfers.files.issues import Issue, Refused, refused, shown
from jobs.families.transfers.files.limits import Limits
from jobs.families.transfers.files.lines import Lines, Overflow
from jobs.families.transfers.files.records import Record, letter, named

DEPTH = 32
"""How deep a value may be nested; it is shown then, and no field takes it."""


class JsonlReader:
    """Records of one file. Raises Refused, Undecodable: when made, and while iterating."""

    def __init__(
        self,
        path: Path,
        *,
        encoding: str,
        mark_bytes: int,
        limits: Limits,
        columns: Sequence[str] | None = None,
    ) -> None:
        self.blank = 0
        self.encoding, self._mark_bytes = encoding, mark_bytes
        self._limits = limits
        self._file = path.open("rb")
        try:
            self.columns = named(self._keys() if columns is None else columns)
        except BaseException:
            self._file.close()
            raise
        self._places = {column.name: column.index for column in self.columns}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self._file.close()

    @property
    def position(self) -> int:
        """How many bytes were read."""
        return self._file.tell()

    def __iter__(self) -> Iterator[Record]:
        self.blank = 0
        for line, text in self._lines():
            if not text.strip():
                self.blank += 1
                continue
            try:
                found = parse(text)
            except NotAnObject as error:
                yield Record(line, line, [], (error.issue(line, text),), text.rstrip("\r\n"))
                continue
            yield self._record(line, text, found)

    def _record(self, line: int, text: str, found: dict[str, Any]) -> Record:
        cells: list[Any] = [None] * len(self.columns)
        unknown: list[str] = []
        for key, value in found.items():
            place = self._places.get(key)
            if place is None:
                unknown.append(key)
            else:
                cells[place] = value
        record = Record(line, line, cells)
        if len(text) > self._limits.cell_characters:
            record.issues = too_long_cells(record, self.columns, self._limits)
        if unknown:  # the columns were given, and the file is not the one they are of
            record.issues = (*record.issues, _unknown_keys(line, unknown))
        return record

    def _keys(self) -> list[str]:
        """All keys of the file. Raises Refused."""
        keys: dict[str, None] = {}
        seen = False
        for line, text in self._lines():
            if not text.strip():
                continue
            seen = True
            try:
                found = parse(text)
            except NotAnObject:
                continue
            if not keys.keys() >= found.keys():
                keys |= dict.fromkeys(found)
                self._check_keys(list(keys), line)
        if not seen:
            raise refused("empty_file", "The file is empty: there is no object in it.")
        return list(keys)

    def _check_keys(self, keys: list[str], line: int) -> None:
        limit = self._limits.columns
        if len(keys) > limit:
            raise refused(
                "too_many_columns",
                f"The objects up to line {line} have {len(keys)} different keys; the limit is "
                f"{limit}.",
                row=line,
                line=line,
                detail={"limit": limit, "found": len(keys)},
            )
        for place, key in enumerate(keys):
            refuse_unkeepable(key, letter(place), Record(line, line, []))
            if len(key) > HEADER_CHARACTERS:
                raise refused(
                    "header_too_long",
                    f"A key in line {line} is longer than {HEADER_CHARACTERS} characters.",
                    row=line,
                    line=line,
                    detail={"limit": HEADER_CHARACTERS, "found": len(key)},
                )

    def _lines(self) -> Iterator[tuple[int, str]]:
        """Numbered lines, from the first."""
        self._file.seek(self._mark_bytes)
        lines = Lines(self._file, self.encoding, self._limits.record_characters)
        number = 0
        try:
            for block in lines.feed(1):
                for text in block:
                    number += 1
                    lines.done = number
                    yield number, text
        except Overflow as error:
            raise self._too_long(number + 1, error) from None
        except BadBytes as error:
            raise Undecodable(number + 1, number + 1, error) from None

    def _too_long(self, line: int, error: Overflow) -> Refused:
        limit = self._limits.record_characters
        return refused(
            "record_too_long",
            f"Line {line} is longer than {limit:,} characters, which is the limit for one record.",
            row=line,
            line=line,
            detail={"limit": limit, "found": len(error.text)},
        )


class NotAnObject(Exception):
    """A line that is no object; `code` and `message` say what else."""

    def __init__(self, code: str, message: str, position: int | None = None) -> None:
        super().__init__(message)
        self.code, self.message, self.position = code, message, position

    def issue(self, line: int, text: str) -> Issue:
        """As an issue of this line."""
        return Issue(
            level="row",
            code=self.code,
            message=self.message,
            row=line,
            line=line,
            value=shown(text.rstrip("\r\n")),
            detail={} if self.position is None else {"position": self.position},
        )


def parse(text: str) -> dict[str, Any]:
    """The object on this line. Raises NotAnObject."""
    if text.count("{") + text.count("[") > DEPTH and _depth(text) > DEPTH:
        raise NotAnObject("json_depth", f"The values on this line are nested over {DEPTH} deep.")
    try:
        found = _decoder.decode(text.strip())
    except json.JSONDecodeError as error:
        raise NotAnObject(
            "json",
            f"This line is no JSON: {error.msg}, at character {error.pos + 1}.",
            error.pos + 1,
        ) from None
    except (ValueError, RecursionError) as error:  # a constant, or a number of 5,000 digits
        raise NotAnObject("json", f"This line is no JSON that can be read: {error}.") from None
    if type(found) is not dict:
        raise NotAnObject("not_object", "This line is JSON, but no object in braces.")
    return found


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise NotAnObject(
            "duplicate_key_in_object", f"The key {shown(twice)} occurs twice in one object."
        )
    return found


def _refuse_constant(name: str) -> None:
    raise NotAnObject("json", f"{name} is no JSON: write null or a number.")


_decoder = json.JSONDecoder(object_pairs_hook=_unique, parse_constant=_refuse_constant)


def _depth(text: str) -> int:
    """How deep brackets are nested, those inside strings left out."""
    deepest = depth = 0
    inside = escaped = False
    for character in text:
        if escaped:
            escaped = False
        elif inside:
            escaped = character == "\\"
            inside = character != '"'
        elif character == '"':
            inside = True
        elif character in "[{":
            depth += 1
            deepest = max(deepest, depth)
        elif character in "]}":
            depth -= 1
    return deepest


def _unknown_keys(line: int, keys: list[str]) -> Issue:
    named_ = ", ".join(shown(key) for key in keys[:5])
    return Issue(
        level="row",
        code="unknown_key",
        message=f"This object has a key that no other had when the file was checked: {named_}.",
        row=line,
        line=line,
        value=named_,
    )
