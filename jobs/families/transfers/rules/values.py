"""One cell of a file becomes one value of a text field; `typed` has the other types.

Every rule has two ways through. The quick one is what a million rows take: it returns the value as
COPY writes it, or raises NotPlain for whatever needs a second look. `full` is the rule itself: it
takes any cell, appends what it finds, and returns the value as text, None (leave the field as it
is) or CLEAR.
"""

from collections.abc import Callable
from typing import Final

from jobs.families.transfers.files.records import Cell, CellError
from jobs.families.transfers.rules.choices import DELIMITED, Choices
from jobs.families.transfers.rules.copy_text import NULL, escaped
from jobs.families.transfers.rules.fields import Field
from jobs.families.transfers.rules.findings import Finding
from jobs.families.transfers.rules.formula import asks_to_clear, unescape, unescape_clear
from jobs.families.transfers.rules.numbers import digits
from jobs.families.transfers.rules.text import is_plain, normalized

CLEAR: Final = "\0clear"
"""Empty the field. No text of a file can be this one, since NUL is refused."""
MOST_KEPT, LONGEST_KEPT = 50_000, 128
UNLIMITED = 1 << 40

Way = Callable[[Cell], str]


class NotPlain(Exception):
    """The quick way does not decide about this cell."""


class Rule:
    """What a cell of one field's column means. The rule of text, and the base of the others."""

    def __init__(self, field: Field, choices: Choices) -> None:
        self.field = field
        self.marked = choices.format in (None, *DELIMITED)  # apostrophes before formulas
        self.tells_absent = choices.format in ("jsonl", "parquet")  # null and "" differ
        self.empty_clears = choices.empty_clears
        self.longest = field.max_length or UNLIMITED
        self.blank = None if field.required else self._settled("")

    def way(self) -> Way:
        """The quick way: the value of a cell as COPY writes it, or NotPlain."""
        return self._quick

    def full(self, cell: Cell, found: list[Finding]) -> str | None:
        """The value of any cell; `found` gets every remark."""
        if isinstance(cell, str):
            if not cell or cell.isspace() or self._asks_to_clear(cell):
                return self._empty(cell, found)
            return self._value(self._unmarked(cell), found)
        if cell is None:
            return None if self.tells_absent and not self.field.required else self._empty("", found)
        if isinstance(cell, CellError):
            message = _CELL_ERRORS.get(cell.code, _CELL_ERRORS["cell_error"])
            found.append(Finding(cell.code, message.format(cell.text)))
            return None
        return self._typed(cell, found)

    def _unmarked(self, cell: str) -> str:
        if self.marked:
            return unescape(cell)
        return cell if self.tells_absent else unescape_clear(cell)

    def _value(self, text: str, found: list[Finding]) -> str | None:
        """The value of a text that is not blank."""
        text = normalized(text, found, several_lines=self.field.type == "prose")
        if len(text) > self.longest:
            found.append(_too_long(len(text), self.longest))
        return text

    def _typed(self, cell: Cell, found: list[Finding]) -> str | None:
        """The value of a cell that the file gives as something else than text."""
        text = digits(cell, found)
        return None if text is None else self._value(text, found)

    def _empty(self, cell: str, found: list[Finding]) -> str | None:
        asked = self._asks_to_clear(cell)
        if self.field.clearable and (
            asked or self.empty_clears or (self.tells_absent and not cell)
        ):
            return CLEAR
        if asked:
            found.append(_NEVER_EMPTIED)
        elif self.field.required:
            found.append(_REQUIRED)
        return None

    def _asks_to_clear(self, cell: str) -> bool:
        """In formats that cannot tell an empty text from none; in the others it is a text."""
        return not self.tells_absent and asks_to_clear(cell)

    def _quick(self, cell: Cell) -> str:
        if cell.__class__ is str:
            if not cell:
                if self.blank is not None:
                    return self.blank
            elif (
                cell[0] not in "'( "
                and len(cell) <= self.longest
                and "\\" not in cell
                and cell.isprintable()
                and (cell.isascii() or is_plain(cell))
            ):
                return cell
        return self._settled(cell)

    def _settled(self, cell: Cell) -> str:
        found: list[Finding] = []
        value = self.full(cell, found)
        if found:
            raise NotPlain
        return NULL if value is None else value if value is CLEAR else escaped(value)


class Repeated(Rule):
    """Text of which a file has few different ones, such as missions."""

    def way(self) -> Way:
        """See Rule."""
        return remembering(self._quick)


class _Kept(dict[str, str]):
    def __init__(self, way: Way) -> None:
        super().__init__()
        self._way = way

    def __missing__(self, cell: Cell) -> str:
        value = self._way(cell)
        # Only texts: 1, 1.0 and True would be one key.
        if cell.__class__ is str and len(cell) <= LONGEST_KEPT:
            if len(self) >= MOST_KEPT:
                self.clear()
            self[cell] = value
        return value


def remembering(way: Way) -> Way:
    """`way` with its answers kept; a lookup that succeeds runs no line of Python.

    Raises TypeError for a list or an object of JSON, which no dictionary can look up.
    """
    return _Kept(way).__getitem__


def _too_long(length: int, most: int) -> Finding:
    return Finding(
        "too_long",
        f"This has {length} characters; {most} is the most. Shorten it.",
        detail={"found": length, "limit": most},
    )


_REQUIRED = Finding("required", "This must not be empty. Fill it in.")
_NEVER_EMPTIED = Finding(
    "required", "This field cannot be emptied. Write its value, or leave the cell empty to keep it."
)
_CELL_ERRORS = {
    "cell_error": "This cell shows the error {}. Correct its formula, or put the "
    "value in its place.",
    "formula_uncached": "This cell holds a formula that was never computed. Open the file in a "
    "spreadsheet, let it compute, and save it.",
    "number_precision": "The file holds this as a number, and its last digits are lost ({}). "
    "Format the column as text and enter the value again.",
    "datetime": "This is no date that a calendar has: {}. Correct it.",
}
