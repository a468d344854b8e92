"""What a person types, as words to look for: data, never the query language of some backend.

    pump harbour        documents with both; the last word may be the beginning of one
    "north pier"        these words, one behind the other
    -draft              none with this word; "-" works before quotes as well

Everything else is text, of which only letters and digits count: `*:*`, `' OR 1=1` and
`organization:other` are words like any other.
"""

import re
from dataclasses import dataclass, replace

from jobs.families.search.errors import QueryRefused
from jobs.families.search.tokens import pieces

MOST_CHARACTERS = 2_000
MOST_WORDS = 64

# Quotes count at the beginning of a word only, as in 12" pipe; what is open ends with the text.
_TERM = re.compile(r'(?<!\S)(-?)"([^"]*)("|$)|(\S+)')


@dataclass(frozen=True, kw_only=True)
class Term:
    """Something to look for.

    pieces: as `tokens.pieces` gives them; if there are several, one stands behind the other.
    excluded: no document with it is wanted. prefix: the last word may be the beginning of one.
    """

    pieces: list[list[str]]
    excluded: bool = False
    prefix: bool = False


@dataclass(frozen=True, kw_only=True)
class Query:
    """All of its terms hold in a document that matches."""

    terms: list[Term]


def read(text: str) -> Query:
    """What the text asks for.

    Raises QueryRefused: `too_long`, `too_many_words`, or `nothing_to_find` without any word that a
    document could have.
    """
    if len(text) > MOST_CHARACTERS:
        raise QueryRefused(
            "too_long",
            f"A query has at most {MOST_CHARACTERS:,} characters, this one {len(text):,}.",
        )
    terms = [term for found in _TERM.finditer(text) for term in _terms(found)]
    if terms and _may_go_on(text, terms[-1]):
        terms[-1] = replace(terms[-1], prefix=True)
    number = sum(len(term.pieces) for term in terms)
    if number > MOST_WORDS:
        raise QueryRefused(
            "too_many_words", f"A query has at most {MOST_WORDS} words, this one {number:,}."
        )
    if all(term.excluded for term in terms):
        raise QueryRefused(
            "nothing_to_find",
            "The query names no word to find: give at least one with a letter or a digit, "
            "without `-` before it.",
        )
    return Query(terms=terms)


def _terms(found: re.Match[str]) -> list[Term]:
    minus, quoted, _, bare = found.groups()
    if bare is None:
        phrase = pieces(quoted)
        return [Term(pieces=phrase, excluded=minus == "-")] if phrase else []
    if bare.startswith("-"):
        left_out = pieces(bare)
        return [Term(pieces=left_out, excluded=True)] if left_out else []
    return [Term(pieces=[piece]) for piece in pieces(bare)]


def _may_go_on(text: str, last: Term) -> bool:
    # somebody may still be typing it: it stands at the very end, and outside quotes
    *_, found = _TERM.finditer(text)
    return found.group(4) is not None and not last.excluded and bool(pieces(found.group(4)))
