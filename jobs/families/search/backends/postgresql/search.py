"""The read side: words become a `tsquery`, a function of the database answers it."""

from collections.abc import Sequence

from jobs.families.search.backends import Generation, Match
from jobs.families.search.query import Query, Term
from jobs.families.search.statements import run
from jobs.families.search.tokens import is_cjk, prefixed


class Search:
    """The table as the other backends are: see `backends.Backend`."""

    def search(
        self,
        generation: Generation,
        query: Query,
        kinds: Sequence[str],
        after: tuple[float, int] | None = None,
        limit: int = 100,
    ) -> list[Match]:
        """One statement, in the transaction and scope of the caller."""
        last_score, last_id = after or (None, None)
        parameters = {
            "organization_id": generation.organization_id,
            "generation_id": generation.number,
            "wanted": matching(query, generation.number),
            "kinds": list(kinds),
            "last_score": last_score,
            "last_id": last_id,
            "limit": limit,
        }
        return [Match(**row) for row in run("postgresql_search", parameters)]


def matching(query: Query, number: int) -> str:
    """The query as PostgreSQL reads a `tsquery`, in the words of the generation of this number."""
    return " & ".join(_term(term, number) for term in query.terms)


def _term(term: Term, number: int) -> str:
    if len(term.pieces) == 1:
        found = _piece(term.pieces[0], number, prefix=term.prefix)
    else:  # in the order in which a document has them, wholes before their parts
        found = _behind([word for piece in term.pieces for word in piece], number)
    return f"!{found}" if term.excluded else found


def _piece(piece: list[str], number: int, *, prefix: bool) -> str:
    whole, *parts = piece
    if is_cjk(whole):
        # one character alone is indexed as the beginning of a pair
        return _behind(piece, number, prefix=len(whole) == 1)
    if not parts:
        return _word(whole, number, prefix=prefix)
    # or by its parts alone, which finds it in a longer reference as well
    return f"({_word(whole, number, prefix=prefix)} | {_behind(parts, number, prefix=prefix)})"


def _behind(words: list[str], number: int, *, prefix: bool = False) -> str:
    """One word behind the other; the last may be the beginning of one."""
    *first, last = words
    found = [_word(word, number, prefix=False) for word in first]
    return f"({' <-> '.join([*found, _word(last, number, prefix=prefix)])})"


def _word(word: str, number: int, *, prefix: bool) -> str:
    quoted = prefixed(number, word).replace("\\", "\\\\").replace("'", "''")
    return f"'{quoted}'{':*' if prefix else ''}"
