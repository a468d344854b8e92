"""The parts of a workbook beside its cells: which sheets, shared strings, which styles are dates.

Everything goes through `parse`, which knows no namespace prefixes and no document types.
"""

import re
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import IO
from xml.parsers import expat

from jobs.families.transfers.files.xlsx_guard import PIECE_BYTES, damaged, unsafe

Attributes = Mapping[str, str]
_RELATION = "relationships id"
_ESCAPED = re.compile(r"_x([0-9A-Fa-f]{4})_")
_LITERAL = re.compile(r"\"[^\"]*\"|\\.|_.|\*.|\[(?!h+\]|m+\]|s+\])[^\]]*\]")
_DATE_CODE = re.compile(r"[dmyhs]", re.IGNORECASE)
_ZEROS = re.compile(r"0{2,}")
BUILT_IN_DATES = frozenset((*range(14, 23), *range(27, 37), *range(45, 48), *range(50, 59)))


@dataclass(frozen=True, kw_only=True, slots=True)
class Sheet:
    """One worksheet. part: its name in the ZIP."""

    name: str
    hidden: bool
    part: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Book:
    """What reading the cells of any sheet needs.

    dates: the styles that show a number as a date. zeros: how many digits a style fills up to with
    zeros that the value does not have.
    """

    sheets: tuple[Sheet, ...]
    epoch_1904: bool
    strings: list[str]
    dates: frozenset[str]
    zeros: Mapping[str, int]


def parser(
    start: Callable[[str, Attributes], None],
    end: Callable[[str], None] | None = None,
    text: Callable[[str], None] | None = None,
) -> expat.XMLParserType:
    """An XML parser; names come without their namespace. A document type is refused."""
    made = expat.ParserCreate(namespace_separator=" ")
    made.buffer_text = True
    made.StartDoctypeDeclHandler = _refuse_doctype
    made.EntityDeclHandler = _refuse_doctype
    made.StartElementHandler = start
    if end:
        made.EndElementHandler = end
    if text:
        made.CharacterDataHandler = text
    return made


def local(name: str) -> str:
    """A name without its namespace."""
    return name.rpartition(" ")[2]


def feed(parser_: expat.XMLParserType, stream: IO[bytes]) -> None:
    """Parse all of it. Raises Refused."""
    try:
        while piece := stream.read(PIECE_BYTES):
            parser_.Parse(piece, False)
        parser_.Parse(b"", True)
    except expat.ExpatError as error:
        raise damaged(f"XML {error.code}") from None


def read(archive: zipfile.ZipFile) -> Book:
    """The book, without any cell. Raises Refused, KeyError for a part that is missing."""
    main = _target(archive, "", "officeDocument")
    sheets, epoch_1904 = _sheets(archive, main)
    strings = _target(archive, main, "sharedStrings", missing="")
    styles = _target(archive, main, "styles", missing="")
    dates, zeros = _styles(archive, styles) if styles else (frozenset(), {})
    return Book(
        sheets=sheets,
        epoch_1904=epoch_1904,
        strings=_strings(archive, strings) if strings else [],
        dates=dates,
        zeros=zeros,
    )


def unescaped(text: str) -> str:
    """Characters that XML cannot hold are written `_x000D_` in a workbook."""
    if "_x" not in text:
        return text
    return _ESCAPED.sub(lambda found: chr(int(found[1], 16)), text)


def _refuse_doctype(*_: object) -> None:
    raise unsafe("a document type definition")


def _relations(archive: zipfile.ZipFile, part: str) -> dict[str, tuple[str, str]]:
    """Of a part: id → (kind, part)."""
    folder, _, name = part.rpartition("/")
    found: dict[str, tuple[str, str]] = {}

    def start(element: str, attributes: Attributes) -> None:
        if local(element) == "Relationship" and attributes.get("TargetMode") != "External":
            kind = attributes["Type"].rpartition("/")[2]
            found[attributes["Id"]] = (kind, _joined(folder, attributes["Target"]))

    with archive.open(f"{folder}/_rels/{name}.rels".lstrip("/")) as stream:
        feed(parser(start), stream)
    return found


def _joined(folder: str, target: str) -> str:
    """A target is relative to the folder of its part, or absolute within the ZIP."""
    if target.startswith("/"):
        return target[1:]
    pieces = folder.split("/") if folder else []
    for piece in target.split("/"):
        if piece == "..":
            pieces = pieces[:-1]
        elif piece != ".":
            pieces.append(piece)
    return "/".join(pieces)


def _target(archive: zipfile.ZipFile, part: str, kind: str, *, missing: str | None = None) -> str:
    for found, target in _relations(archive, part).values():
        if found == kind:
            return target
    if missing is None:
        raise damaged(f"no {kind}")
    return missing


def _sheets(archive: zipfile.ZipFile, main: str) -> tuple[tuple[Sheet, ...], bool]:
    relations = _relations(archive, main)
    sheets: list[Sheet] = []
    properties: dict[str, str] = {}

    def start(element: str, attributes: Attributes) -> None:
        name = local(element)
        if name == "workbookPr":
            properties.update(attributes)
        elif name == "sheet":
            relation = next((v for k, v in attributes.items() if k.endswith(_RELATION)), "")
            kind, part = relations[relation]
            if kind == "worksheet":
                hidden = attributes.get("state", "visible") != "visible"
                sheets.append(Sheet(name=attributes["name"], hidden=hidden, part=part))

    with archive.open(main) as stream:
        feed(parser(start), stream)
    return tuple(sheets), properties.get("date1904", "0") in ("1", "true")


def _strings(archive: zipfile.ZipFile, part: str) -> list[str]:
    """Runs of rich text are joined; readings for East Asian text (rPh) are not part of it."""
    found: list[str] = []
    pieces: list[str] = []
    state = {"text": False, "reading": False}

    def start(element: str, _: Attributes) -> None:
        name = local(element)
        if name == "t":
            state["text"] = not state["reading"]
        elif name == "rPh":
            state["reading"] = True

    def end(element: str) -> None:
        name = local(element)
        if name == "t":
            state["text"] = False
        elif name == "rPh":
            state["reading"] = False
        elif name == "si":
            found.append(unescaped("".join(pieces)))
            pieces.clear()

    def text(data: str) -> None:
        if state["text"]:
            pieces.append(data)

    with archive.open(part) as stream:
        feed(parser(start, end, text), stream)
    return found


def _styles(archive: zipfile.ZipFile, part: str) -> tuple[frozenset[str], dict[str, int]]:
    codes: dict[int, str] = {}
    used: list[int] = []
    inside: list[str] = []

    def start(element: str, attributes: Attributes) -> None:
        name = local(element)
        if name == "numFmt":
            codes[int(attributes["numFmtId"])] = attributes["formatCode"]
        elif name == "xf" and inside[-1:] == ["cellXfs"]:
            used.append(int(attributes.get("numFmtId", "0")))
        inside.append(name)

    def end(_: str) -> None:
        inside.pop()

    with archive.open(part) as stream:
        feed(parser(start, end), stream)
    dates = (str(i) for i, one in enumerate(used) if _is_date(one, codes.get(one)))
    zeros = {
        str(i): len(codes[o]) for i, o in enumerate(used) if _ZEROS.fullmatch(codes.get(o, ""))
    }
    return frozenset(dates), zeros


def _is_date(number: int, code: str | None) -> bool:
    if code is None:
        return number in BUILT_IN_DATES
    plain = _LITERAL.sub("", code.split(";")[0])
    return plain.casefold() != "general" and bool(_DATE_CODE.search(plain))
