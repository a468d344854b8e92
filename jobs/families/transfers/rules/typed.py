"""The rules of fields that are not plain text: numbers, points in time, choices."""

import re
from collections.abc import Callable
from datetime import date
from difflib import get_close_matches
from functools import lru_cache
from typing import Any

from jobs.families.transfers.files.records import Cell
from jobs.families.transfers.rules import moments
from jobs.families.transfers.rules.choices import Choices
from jobs.families.transfers.rules.familiar import Familiar
from jobs.families.transfers.rules.fields import Field
from jobs.families.transfers.rules.findings import Finding
from jobs.families.transfers.rules.values import Rule, Way, remembering

MOST_LISTED, MOST_COMPARED, LONGEST_COMPARED = 20, 200, 64
"""Choices that a message lists, and that a hint is looked for among; characters of the word."""


class Integer(Rule):
    """A whole number that PostgreSQL's bigint has room for."""

    def way(self) -> Way:
        """See Rule."""
        return self._settled

    def _value(self, text: str, found: list[Finding]) -> str | None:
        text = text.strip()
        if not _INTEGER.fullmatch(text):
            found.append(_NO_INTEGER)
        elif len(text) > 20 or not -(2**63) <= int(text) < 2**63:
            found.append(_INTEGER_RANGE)
        else:
            return str(int(text))
        return None

    def _typed(self, cell: Cell, found: list[Finding]) -> str | None:
        if type(cell) is int and cell.bit_length() > 64:
            found.append(_INTEGER_RANGE)
            return None
        return super()._typed(cell, found)


class Moment(Rule):
    """A point in time, by the one format of its column."""

    def __init__(self, field: Field, choices: Choices) -> None:
        column = choices.column_of(field.name)
        self._clock = moments.Clock(
            format=choices.date_formats.get(-1 if column is None else column, "YYYY-MM-DD"),
            zone=choices.zone,
            ambiguous=choices.ambiguous,
        )
        self._zone = choices.zone
        super().__init__(field, choices)

    def way(self) -> Way:
        """See Rule."""
        return Familiar(self._zone, remembering(self._settled)).way()

    def _value(self, text: str, found: list[Finding]) -> str | None:
        return self._moment(self._clock.read, text, found)

    def _typed(self, cell: Cell, found: list[Finding]) -> str | None:
        if isinstance(cell, date):  # a datetime is one
            return self._moment(self._clock.written, cell, found)
        found.append(_NO_DATE)
        return None

    def _moment(self, read: Callable[[Any], str], cell: Cell, found: list[Finding]) -> str | None:
        try:
            return read(cell)
        except moments.NotAMoment as error:
            found.append(error.finding)
            return None


class Choice(Rule):
    """One of a few words: exactly, by the value map, or but for case and blanks around it."""

    def __init__(self, field: Field, choices: Choices) -> None:
        self._allowed = choices.allowed(field.name)
        mapped = choices.value_maps.get(field.name, {})
        exact = {one: one for one in self._allowed} | dict(mapped)
        self._meanings = {_folded(one): choice for one, choice in exact.items()} | exact
        # A wrong word is often in every row, and to compare it with the known ones is slow.
        self._unknown = lru_cache(maxsize=1_000)(self._compared)
        super().__init__(field, choices)

    def way(self) -> Way:
        """See Rule."""
        return remembering(self._settled)

    def _value(self, text: str, found: list[Finding]) -> str | None:
        meant = self._meanings.get(text) or self._meanings.get(_folded(text))
        if meant is None:
            found.append(self._unknown(text[:LONGEST_COMPARED]))
        return meant

    def _compared(self, text: str) -> Finding:
        known, compared = self._allowed[:MOST_LISTED], list(self._meanings)[:MOST_COMPARED]
        near = get_close_matches(_folded(text), compared, n=1)
        hint = self._meanings[near[0]] if near else None
        return Finding(
            "choice",
            f"This is no {self.field.name} that is known"
            + (f"; did you mean {hint}?" if hint else ".")
            + f" Write one of: {', '.join(known)}; or map the value to one of them.",
            detail={"hint": hint, "known": list(known)},
        )


def _folded(text: str) -> str:
    return text.strip().casefold()


_INTEGER = re.compile(r"-?[0-9]+")
_NO_INTEGER = Finding("integer", "This is no whole number. Write digits only, as an export does.")
_INTEGER_RANGE = Finding("integer_range", "This number is larger than any id can be. Correct it.")
_NO_DATE = Finding("datetime", "A date is expected here, and the file holds none. Write a date.")
