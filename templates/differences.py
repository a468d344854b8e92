"""Two texts side by side, line by line."""

import difflib
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import zip_longest
from typing import Literal


@dataclass(frozen=True, kw_only=True)
class Line:
    """One row of two columns; a side without a line has None.

    kind: `same`, or what became of the left line.
    """

    kind: Literal["same", "changed", "added", "removed"]
    left: str | None
    right: str | None
    left_number: int | None
    right_number: int | None


def side_by_side(left: str, right: str) -> list[Line]:
    """Every line of both texts, those that belong together in one row."""
    return list(_rows(left.splitlines(), right.splitlines()))


def _rows(left: list[str], right: list[str]) -> Iterator[Line]:
    matcher = difflib.SequenceMatcher(None, left, right, autojunk=False)
    for tag, i1, i2, j1, j2 in matcher.get_opcodes():
        for i, j in zip_longest(range(i1, i2), range(j1, j2)):
            yield Line(
                kind="same" if tag == "equal" else _kind(i, j),
                left=None if i is None else left[i],
                right=None if j is None else right[j],
                left_number=None if i is None else i + 1,
                right_number=None if j is None else j + 1,
            )


def _kind(i: int | None, j: int | None) -> Literal["changed", "added", "removed"]:
    if i is None:
        return "added"
    return "removed" if j is None else "changed"
