"""Which date format a column has: one that fits every value in it, never a guess for one cell."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Self

from jobs.families.transfers.rules.moments import PATTERNS

NONE: frozenset[str] = frozenset()
ISO = frozenset({"YYYY-MM-DD"})


@dataclass(frozen=True, kw_only=True)
class Found:
    """What all values of a column say about its format."""

    left: tuple[str, ...]  # that fit every value; none left: they contradict each other
    options: tuple[str, ...]  # that fit some value
    conflict: tuple[int, int] | None = None  # two rows that no format fits both
    examples: tuple[str, ...] = field(default=())  # one value, or those of the two rows

    def as_json(self) -> dict[str, Any]:
        """Plain JSON types."""
        return {
            "left": list(self.left),
            "options": list(self.options),
            "conflict": list(self.conflict) if self.conflict else None,
            "examples": list(self.examples),
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """The inverse of `as_json`."""
        first, second = data["conflict"] or (None, None)
        return cls(
            left=tuple(data["left"]),
            options=tuple(data["options"]),
            conflict=None if first is None or second is None else (first, second),
            examples=tuple(data["examples"]),
        )


class Formats:
    """Narrows the formats of one column, value by value.

    A value that fits no format at all says nothing about the column; its row will say so.
    """

    def __init__(self) -> None:
        self.conflict: tuple[int, int] | None = None
        self._left: frozenset[str] = frozenset(PATTERNS)
        self._options: set[str] = set()
        self._lost: dict[str, tuple[int, str]] = {}  # format → the first value that it did not fit
        self._last = NONE
        self._examples: tuple[str, ...] = ()

    def see(self, text: str, row: int) -> None:
        """One more value of the column."""
        fits = fitting(text)
        if fits is self._last or not fits:
            return
        self._last = fits
        self._options |= fits
        self._examples = self._examples or (text,)
        if self.conflict is None and not fits >= self._left:
            self._narrow(fits, text, row)

    def found(self) -> Found | None:
        """What the values so far say; None when none of them was a date."""
        if not self._options:
            return None
        return Found(
            left=tuple(self.left()),
            options=tuple(one for one in PATTERNS if one in self._options),
            conflict=self.conflict,
            examples=self._examples,
        )

    def left(self) -> list[str]:
        """The formats that fit every value so far, the most usual first."""
        return [one for one in PATTERNS if one in self._left]

    def _narrow(self, fits: frozenset[str], text: str, row: int) -> None:
        for lost in self._left - fits:
            self._lost[lost] = (row, text)
        self._left &= fits
        if not self._left:
            other, example = min(self._lost[one] for one in fits)
            self.conflict, self._examples = (other, row), (example, text)


@lru_cache(maxsize=20_000)
def fitting(text: str) -> frozenset[str]:
    """The formats that could be meant, by the size of the numbers alone.

    The 30th of February has a format too: it is the row that is wrong, not the column.
    """
    text = text.strip()
    if not text or not text[0].isdigit() or len(text) > 40:
        return NONE
    if PATTERNS["YYYY-MM-DD"].fullmatch(text):
        return ISO
    return _same(frozenset(name for name in PATTERNS if _fits(name, text)))


def _fits(name: str, text: str) -> bool:
    found = PATTERNS[name].fullmatch(text)
    return found is not None and 1 <= int(found["m"]) <= 12 and 1 <= int(found["d"]) <= 31


@lru_cache(maxsize=200)
def _same(formats: frozenset[str]) -> frozenset[str]:
    """The same object for equal sets, so that `see` may compare by identity."""
    return formats
