"""What a file is, by its content; its name only adds what a person expected.

Nothing here opens more than the first bytes, and of a ZIP its directory.
"""

import zipfile
from dataclasses import dataclass
from pathlib import Path

from jobs.families.transfers.files.encoding import Start, start_of
from jobs.families.transfers.files.issues import Refused, refused

HEAD_BYTES = 64 * 1024

_SAVE = "Open it and save it as XLSX or CSV, then upload that."
_UNPACK = "Unpack it and upload the file inside."
_TABLE = "Upload a table: CSV, TSV, XLSX, JSONL or Parquet."

SIGNATURES = (
    (b"%PDF-", "a PDF document", _TABLE),
    (b"\x1f\x8b", "a gzip archive", _UNPACK),
    (b"BZh", "a bzip2 archive", _UNPACK),
    (b"\xfd7zXZ\x00", "an xz archive", _UNPACK),
    (b"\x28\xb5\x2f\xfd", "a zstd archive", _UNPACK),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive", _UNPACK),
    (b"Rar!\x1a\x07", "a RAR archive", _UNPACK),
    (b"\x89PNG", "a PNG image", _TABLE),
    (b"\xff\xd8\xff", "a JPEG image", _TABLE),
    (b"GIF8", "a GIF image", _TABLE),
    (b"SQLite format 3\x00", "an SQLite database", _TABLE),
    (b"\x7fELF", "a program", _TABLE),
    (b"{\\rtf", "an RTF document", _TABLE),
)
_MARKUP = ((b"<!doctype html", "an HTML page"), (b"<html", "an HTML page"), (b"<?xml", "XML"))
_EXTENSIONS = {
    "csv": "csv", "txt": "csv", "tsv": "csv", "tab": "csv", "jsonl": "jsonl", "ndjson": "jsonl",
    "xlsx": "xlsx", "parquet": "parquet",
}  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Found:
    """format: csv, jsonl, xlsx or parquet. expected: what the name says, when it is another one."""

    format: str
    start: Start
    expected: str | None = None


def detect(path: Path, *, name: str = "", chosen: str | None = None) -> Found:
    """What this is. `chosen` decides between the formats of text. Raises Refused."""
    with path.open("rb") as file:
        head = file.read(HEAD_BYTES)
    if not head:
        raise refused("empty_file", "The file is empty: it has 0 bytes.")
    start = start_of(head)
    format_ = _binary(path, head) or _text(head, start, name, chosen)
    extension = name.rpartition(".")[2].lower()
    expected = _EXTENSIONS.get(extension)
    return Found(format=format_, start=start, expected=expected if expected != format_ else None)


def mismatch(what: str, advice: str, **detail: str) -> Refused:
    """The refusal of a file that is something else; `what` names it."""
    return refused(
        "format_mismatch", f"This file is {what}. {advice}", detail={"is": what} | detail
    )


def _binary(path: Path, head: bytes) -> str | None:
    if head.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return _zip(path)
    if head.startswith(b"PAR1"):
        return "parquet"
    if head.startswith(b"PARE"):
        raise refused(
            "parquet_encrypted", "This Parquet file is encrypted. Export it without encryption."
        )
    if head.startswith(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"):
        raise _compound(path)
    for signature, what, advice in SIGNATURES:
        if head.startswith(signature):
            raise mismatch(what, advice)
    return None


def _zip(path: Path) -> str:
    try:
        with zipfile.ZipFile(path) as archive:
            names = set(archive.namelist())
            office = archive.read("mimetype")[:100] if "mimetype" in names else b""
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, OSError, ValueError, EOFError):
        raise refused(
            "xlsx_damaged", "This workbook is damaged or was cut off. Save or upload it again."
        ) from None
    if b"opendocument" in office:
        raise mismatch("an OpenDocument file (.ods)", _SAVE)
    if any(name.endswith("vbaProject.bin") for name in names):
        raise mismatch("a workbook with macros (.xlsm)", _SAVE)
    if "xl/workbook.bin" in names:
        raise mismatch("a binary workbook (.xlsb)", _SAVE)
    if "xl/workbook.xml" in names or any(name.endswith("workbook.xml") for name in names):
        return "xlsx"
    if "word/document.xml" in names:
        raise mismatch("a Word document (.docx)", _TABLE)
    if "[Content_Types].xml" in names:
        return "xlsx"  # its guard says what is missing
    raise mismatch("a ZIP archive", _UNPACK)


def _compound(path: Path) -> Refused:
    """The old container of Office: a workbook of before 2007, or one behind a password."""
    with path.open("rb") as file:
        content = file.read(1024 * 1024)
    if "EncryptedPackage".encode("utf-16-le") in content:
        return refused(
            "xlsx_encrypted", "This workbook is protected by a password. Save it without one."
        )
    return mismatch("a workbook in the format of before 2007 (.xls)", _SAVE)


def _text(head: bytes, start: Start, name: str, chosen: str | None) -> str:
    if chosen in ("csv", "tsv", "jsonl"):
        return "jsonl" if chosen == "jsonl" else "csv"
    encoding = start.encoding or (start.zeros[0] if start.zeros else "latin-1")
    text = head[start.mark_bytes :].decode(encoding, "replace").lstrip()
    low = text[:100].lower().encode("utf-8", "replace")
    for signature, what in _MARKUP:
        if low.startswith(signature):
            raise mismatch(what, _TABLE)
    lines = name.lower().endswith((".jsonl", ".ndjson"))
    if text.startswith("{") or (text.startswith("[") and lines):
        return "jsonl"
    if text.startswith("[") and text[1:].lstrip()[:1] in ("{", "["):
        raise mismatch("a JSON array", "Write one object on each line (JSONL), then upload that.")
    return "csv"
