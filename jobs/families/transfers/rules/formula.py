"""Text that a spreadsheet would compute is marked with an apostrophe on its way out.

In CSV and TSV, text fields only: a value that begins with `'`, or whose first character after
spaces begins a formula somewhere, gets one `'` before it. An import takes off exactly one, where
the rest begins that way; so `unescape(escape(text)) == text` for every text. So does a text that is
`(clear)`, which would empty the field, and that in XLSX too, where nothing else is marked.
(https://owasp.org/www-community/attacks/CSV_Injection)
"""

import re

CLEAR = r"[ \t\r\n]*\(clear\)[ \t\r\n]*$"
"""What empties a field."""
AT_RISK = rf"'| *[-=+@\t\r\n＝＋－＠]|{CLEAR}"
"""What such a value begins with. Read alike by Python and by PostgreSQL, whose COPY writes the
exports, so that the two cannot part ways."""

_AT_RISK = re.compile(AT_RISK)
_CLEAR = re.compile(CLEAR)
_MARKED_CLEAR = re.compile(f"'*{CLEAR}")

_FIRST = "'( -=+@\t\r\n＝＋－＠"
"""What such a value has as its first character: PostgreSQL compares a number far sooner than it
matches a pattern, and next to no text is at risk."""


def escape(text: str) -> str:
    """As it goes into a cell of a CSV or TSV file."""
    return f"'{text}" if _AT_RISK.match(text) else text


def unescape(text: str) -> str:
    """As it was before `escape`; a text that needed no mark is left alone."""
    return text[1:] if text.startswith("'") and _AT_RISK.match(text, 1) else text


def asks_to_clear(cell: str) -> bool:
    """Whether this cell is the mark that empties a field."""
    return _CLEAR.match(cell) is not None


def escape_clear(text: str) -> str:
    """As it goes into a cell of XLSX, where a string is no formula."""
    return f"'{text}" if _MARKED_CLEAR.match(text) else text


def unescape_clear(cell: str) -> str:
    """As it was before `escape_clear`."""
    return cell[1:] if cell.startswith("'") and _MARKED_CLEAR.match(cell, 1) else cell


def safe(cell: str) -> str:
    """A cell of somebody's file, safe to hand out, and meaning the same when it is read again."""
    return escape(unescape(cell))


def escape_sql(expression: str) -> str:
    """The SQL expression that does what `escape` does to a text expression; null stays null.

    `expression` is ours, never anybody's input. Holds no placeholder of psycopg.
    """
    pattern, first = AT_RISK.replace("'", "''"), ",".join(str(ord(one)) for one in _FIRST)
    return (
        f"CASE WHEN ascii({expression}) = ANY ('{{{first}}}') AND {expression} ~ '^(?:{pattern})'"
        f" THEN '''' || {expression} ELSE {expression} END"
    )
