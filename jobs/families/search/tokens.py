"""The words of a text: the same for what is indexed and for what is asked.

Compatibility forms are folded (NFKC), then case, then accents. Scripts that do not part their words
by spaces (Chinese, Japanese, Korean) become overlapping pairs of characters. A reference such as
`MSN-1042` is kept whole and split, so that it is found by all of it and by each of its parts.
"""

import re
import unicodedata
from collections.abc import Iterator
from itertools import pairwise

MOST_CHARACTERS = 64
"""Of one word: what is longer is a key or a blob, and is found by its beginning."""

# Unified ideographs with their extensions, kana, Hangul, and half-width forms left after NFKC.
_CJK = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\uac00-\ud7af\U00020000-\U0003ffff"
_PIECE = re.compile(rf"[{_CJK}]+|[^\W_{_CJK}]+(?:[-_./][^\W_{_CJK}]+)*")
_PART = re.compile(r"[-_./]")
_IS_CJK = re.compile(f"[{_CJK}]")
_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"


def words(text: str) -> list[str]:
    """In the order in which they stand; letters and digits, and `-_./` between parts."""
    found: list[str] = []
    for piece in _PIECE.findall(_folded(text)):
        if piece.isalnum() and piece.isascii():  # nearly all, and one look at each
            found.append(piece[:MOST_CHARACTERS])
        else:
            found += _words_of(piece)
    return found


def pieces(text: str) -> list[list[str]]:
    """The same words, those that stem from one piece of text together.

    A reference is [whole, part, part…], a run of Chinese, Japanese or Korean its pairs, anything
    else one word.
    """
    return [list(_words_of(piece)) for piece in _PIECE.findall(_folded(text))]


def is_cjk(word: str) -> bool:
    """Whether it is of a script that does not part its words: a character, or a pair of them."""
    return _IS_CJK.match(word) is not None


def prefixed(number: int, word: str) -> str:
    """The word as the generation of this number has it, and no other."""
    return f"{_base36(number)}:{word}"


def _folded(text: str) -> str:
    if text.isascii():
        return text.lower()
    apart = unicodedata.normalize("NFKD", unicodedata.normalize("NFKC", text).casefold())
    bare = "".join(one for one in apart if not unicodedata.combining(one) or _is_kana_mark(one))
    return unicodedata.normalize("NFC", bare)


def _is_kana_mark(character: str) -> bool:
    return character in "\u3099\u309a"  # a voiced kana is another letter, not an accented one


def _words_of(piece: str) -> Iterator[str]:
    if _IS_CJK.match(piece):
        if len(piece) == 1:
            yield piece
        for first, second in pairwise(piece):
            yield first + second
        return
    yield piece[:MOST_CHARACTERS]
    parts = _PART.split(piece)
    if len(parts) > 1:
        for part in parts:
            yield part[:MOST_CHARACTERS]


def _base36(number: int) -> str:
    digits = ""
    while number:
        number, digit = divmod(number, 36)
        digits = _DIGITS[digit] + digits
    return digits or "0"
