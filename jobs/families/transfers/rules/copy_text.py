"""The text format of COPY: how a value is written so that PostgreSQL reads the same one.

https://www.postgresql.org/docs/current/sql-copy.html, "Text Format".
"""

import re

NULL = "\\N"

_WRITTEN = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"})
_READ = {"t": "\t", "n": "\n", "r": "\r"}
_ESCAPE = re.compile(r"\\(.)")


def escaped(text: str) -> str:
    """A value between two tabs. The text must not hold NUL, which PostgreSQL has no place for."""
    plain = text.isprintable() and "\\" not in text  # much faster than to translate nothing
    return text if plain else text.translate(_WRITTEN)


def values(line: str) -> list[str | None]:
    """Those of one line without its end, as `escaped` was given them."""
    return [None if one == NULL else _unescaped(one) for one in line.split("\t")]


def _unescaped(text: str) -> str:
    return _ESCAPE.sub(lambda found: _READ.get(found[1], found[1]), text) if "\\" in text else text
