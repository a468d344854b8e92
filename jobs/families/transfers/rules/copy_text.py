"""The text format of COPY: how a value is written so that PostgreSQL reads the same one.

https://www.postgresql.org/docs/current/sql-copy.html, "Text Format".
"""

NULL = "\\N"

_WRITTEN = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"})


def escaped(text: str) -> str:
    """A value between two tabs. The text must not hold NUL, which PostgreSQL has no place for."""
    plain = text.isprintable() and "\\" not in text  # much faster than to translate nothing
    return text if plain else text.translate(_WRITTEN)
