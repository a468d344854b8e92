"""In which encoding a text is: a byte order mark, else strict UTF-8, else a person says.

No guess is ever applied. Detectors call cp1252 "cp1250" and cp850 "cp775", and a wrong guess is not
seen before it is in the data; so the likeliest encodings are proposed with real cells of the file,
and the bytes stay as they came.
"""

import codecs
import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import BinaryIO

from jobs.families.transfers.files.issues import refused

BLOCK_BYTES = 256 * 1024

MARKS = (
    # UTF-32 before UTF-16: the mark of one begins with that of the other.
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
CANDIDATES = (
    *("cp1252", "cp1250", "cp1251", "iso8859-15", "iso8859-2", "cp1253", "cp1254", "cp1257"),
    *("mac_roman", "cp850", "cp437", "cp866", "koi8-r", "cp932", "gb18030", "big5", "cp949"),
)
"""What is proposed, the likelier first where a score does not decide."""
ENCODINGS = ("utf-8", "utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be", *CANDIDATES)
"""What a person may choose."""

_WRONG = re.compile("[\udc80-\udcff]")
_LETTERS = re.compile("[A-Za-z]")
_NOT_ASCII = re.compile(r"[^\x00-\x7f]")


class BadBytes(Exception):
    """Bytes that are no text in this encoding; `offset` is the place of the first in the file."""

    def __init__(self, offset: int, byte: int) -> None:
        super().__init__(f"byte 0x{byte:02X} at {offset}")
        self.offset = offset
        self.byte = byte


class Undecodable(Exception):
    """Bytes that are no text in the encoding of the file, in the record that begins here."""

    def __init__(self, row: int, line: int, bad: BadBytes) -> None:
        super().__init__(str(bad))
        self.row, self.line, self.bad = row, line, bad


@dataclass(frozen=True, kw_only=True)
class Start:
    """What the first bytes say. encoding: of the mark; zeros: likely by the zero bytes alone."""

    encoding: str | None
    mark_bytes: int
    zeros: tuple[str, ...]


def start_of(head: bytes) -> Start:
    """Read a mark, or the zero bytes that UTF-16 and UTF-32 have between Latin letters."""
    for mark, encoding in MARKS:
        if head.startswith(mark):
            return Start(encoding=encoding, mark_bytes=len(mark), zeros=())
    return Start(encoding=None, mark_bytes=0, zeros=_by_zeros(head[:4096]))


def canonical(name: str) -> str:
    """The name that we use for an encoding. Raises Refused for one that is not offered."""
    wanted = name.lower().replace("_", "-")
    for encoding in ENCODINGS:
        if wanted in (encoding.replace("_", "-"), encoding.replace("-", "")):
            return encoding
    raise refused(
        "encoding_unknown",
        f"{name} is not an encoding that can be chosen; use one of {', '.join(ENCODINGS)}.",
    )


def decoded(file: BinaryIO, encoding: str) -> Iterator[str]:
    """The text from here on, in blocks. Raises BadBytes, after all that is good before it."""
    decoder = codecs.getincrementaldecoder(encoding)("strict")
    more = True
    while more:
        block = file.read(BLOCK_BYTES)
        more = bool(block)
        try:
            text = decoder.decode(block, final=not more)
        except UnicodeDecodeError as error:
            yield error.object[: error.start].decode(encoding)
            offset = file.tell() - len(error.object) + error.start
            raise BadBytes(offset, error.object[error.start]) from None
        if text:
            yield text


@dataclass(slots=True)
class Tally:
    """How a file looks as UTF-8: how many of its sequences are right, how many bytes are not."""

    right: int = 0
    wrong: int = 0

    @property
    def mixed(self) -> bool:
        """UTF-8 into which something else was pasted; text in another encoding has hardly any."""
        return 0 < self.wrong <= self.right


def tally(file: BinaryIO) -> tuple[Tally, list[bytes], list[bytes]]:
    """Go through the whole file; and lines of it that are wrong as UTF-8, and that are right."""
    found = Tally()
    right: list[bytes] = []
    wrong: list[bytes] = []
    for line in _lines(file):
        if line.isascii():
            continue
        text = line.decode("utf-8", "surrogateescape")
        bad = len(_WRONG.findall(text))
        found.wrong += bad
        found.right += len(_NOT_ASCII.findall(text)) - bad
        kept = wrong if bad else right
        if len(kept) < 50:
            kept.append(line)
        if found.wrong > 10_000 and not found.mixed:
            break
    return found, wrong, right


def likeliest(lines: Iterable[bytes], zeros: tuple[str, ...]) -> list[str]:
    """The three encodings in which these lines look most like text."""
    if zeros:
        return list(zeros)[:3]
    scores: list[tuple[float, int, str]] = []
    for place, encoding in enumerate(CANDIDATES):
        try:
            score = sum(_looks(line.decode(encoding)) for line in lines)
        except UnicodeDecodeError:
            continue
        scores.append((-score, place, encoding))
    return [encoding for _, _, encoding in sorted(scores)[:3]]


def _by_zeros(head: bytes) -> tuple[str, ...]:
    quarters = [head[place::4] for place in range(4)]
    counts = [quarter.count(0) / max(1, len(quarter)) for quarter in quarters]
    zero = [count > 0.4 for count in counts]
    if zero == [False, True, True, True]:
        return ("utf-32-le", "utf-16-le", "utf-16-be")
    if zero == [True, True, True, False]:
        return ("utf-32-be", "utf-16-be", "utf-16-le")
    if zero == [False, True, False, True]:
        return ("utf-16-le", "utf-16-be", "utf-32-le")
    if zero == [True, False, True, False]:
        return ("utf-16-be", "utf-16-le", "utf-32-be")
    return ()


def _lines(file: BinaryIO) -> Iterator[bytes]:
    """Lines of bytes, of at most 64 KiB: without any newline the file is one."""
    while line := file.readline(64 * 1024):
        yield line


def _looks(text: str) -> float:
    """Letters beside letters of their case look right, signs within a word and controls do not."""
    score = 0.0
    for before, character, after in zip(" " + text, text, text[1:] + " ", strict=False):
        if character > "\x7f":
            score += _looks_here(before, character, after)
    return score


def _looks_here(before: str, character: str, after: str) -> float:
    category = unicodedata.category(character)
    if category[0] == "L":
        latin = unicodedata.name(character, "").startswith("LATIN")
        if _LETTERS.match(before) or _LETTERS.match(after):
            inside = category == "Lu" and before.islower()
            return 1.0 if latin and not inside else -1.0
        return 0.2 if latin else 0.5 if category == "Lo" else 1.0
    if category in ("Cc", "Cn", "Co"):
        return -5.0
    return -1.0 if before.isalpha() and after.isalpha() else 0.0
