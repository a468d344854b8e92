"""A document's words as PostgreSQL reads a `tsvector`.

Positions go on from field to field, so that a phrase never spans two: each field begins a little
behind the one before.
"""

from jobs.families.search.documents import Document
from jobs.families.search.tokens import prefixed, words

MOST_BYTES = 900_000
"""Of all words with their positions: PostgreSQL refuses a vector of 1 MiB or more."""
MOST_POSITION = 16_383
MOST_POSITIONS = 255
"""Of one word. PostgreSQL drops what is beyond both."""
GAP = 10


def vector(document: Document, number: int) -> str:
    """All words of a document in the generation of this number; empty for a tombstone."""
    if document.deleted:
        return ""
    fields = (
        ("A", (document.reference, document.title)),
        ("B", (document.project,)),
        ("C", (document.people,)),
        ("D", (document.text,)),
    )
    places: dict[str, list[str]] = {}
    place, size = 1, 0
    for weight, texts in fields:
        for text in texts:
            for word in words(text):
                position = f"{min(place, MOST_POSITION)}{weight}"
                place += 1
                known = places.get(word)
                size += 2 if known else len(word.encode()) + 20
                if size > MOST_BYTES:
                    return _written(places, number)
                if known is None:
                    places[word] = [position]
                elif len(known) < MOST_POSITIONS:
                    known.append(position)
            place += GAP
    return _written(places, number)


def _written(places: dict[str, list[str]], number: int) -> str:
    mine = prefixed(number, "")
    return " ".join(
        [f"'{mine}{_quoted(word)}':{','.join(found)}" for word, found in places.items()]
    )


def _quoted(word: str) -> str:
    if word.isalnum():
        return word
    return word.replace("\\", "\\\\").replace("'", "''")
