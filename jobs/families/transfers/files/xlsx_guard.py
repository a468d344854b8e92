"""What a workbook may be before anything in it is parsed: a ZIP of moderate size, and no tricks.

Sizes are counted while inflating, never believed: the directory of a ZIP says what its author
likes.
"""

import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from xml.parsers import expat

from jobs.families.transfers.files.issues import Refused, refused
from jobs.families.transfers.files.limits import Limits

PIECE_BYTES = 64 * 1024
SMALL_BYTES = 1024 * 1024
"""A part up to this size may be packed as tightly as it likes: it harms nobody."""
TROUBLE = (
    *(zipfile.BadZipFile, zlib.error, expat.ExpatError, EOFError, OSError, NotImplementedError),
    *(RuntimeError, ValueError, KeyError, IndexError, OverflowError),
)
"""What a damaged workbook makes its readers raise."""
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)


@contextmanager
def opened(path: Path, limits: Limits) -> Iterator[zipfile.ZipFile]:
    """The workbook's parts, all looked at. Raises Refused, also for what its reader stumbles on."""
    size = path.stat().st_size
    if size > limits.xlsx_bytes:
        raise refused(
            "too_large",
            f"This workbook has {size:,} bytes; the limit for XLSX is {limits.xlsx_bytes:,}. "
            "Save it as CSV, which may be larger.",
            detail={"limit": limits.xlsx_bytes, "found": size},
        )
    try:
        with zipfile.ZipFile(path) as archive:
            _check_names(archive, limits)
            _check_sizes(archive, limits)
            yield archive
    except TROUBLE as error:
        raise damaged(type(error).__name__) from None


def damaged(why: str = "") -> Refused:
    """The workbook cannot be read; `why` is ours, never a text of the file."""
    return refused(
        "xlsx_damaged",
        "This workbook is damaged or was cut off. Open it, save it again as XLSX, then upload it.",
        detail={"why": why} if why else {},
    )


def unsafe(what: str) -> Refused:
    """The workbook does what no workbook needs to do."""
    return refused(
        "xlsx_unsafe",
        f"This workbook contains {what}, which no spreadsheet program writes. It is not read.",
        detail={"is": what},
    )


def _check_names(archive: zipfile.ZipFile, limits: Limits) -> None:
    parts = archive.infolist()
    if len(parts) > limits.xlsx_parts:
        raise damaged(f"more than {limits.xlsx_parts} parts")
    names = [part.filename for part in parts]
    if len({name.casefold() for name in names}) < len(names):
        raise damaged("two parts of one name")
    for part in parts:
        path = PurePosixPath(part.filename.replace("\\", "/"))
        if path.is_absolute() or ".." in path.parts or ":" in part.filename:
            raise damaged("a name that leads outside")
        if part.flag_bits & 0x1:
            raise refused(
                "xlsx_encrypted", "This workbook is protected by a password. Save it without one."
            )
        if part.compress_type not in _METHODS:
            raise damaged("an unusual compression")
    _check_overlaps(parts)


def _check_overlaps(parts: list[zipfile.ZipInfo]) -> None:
    end = 0
    for part in sorted(parts, key=lambda part: part.header_offset):
        if part.header_offset < end:
            raise damaged("parts that overlap")
        end = part.header_offset + 30 + part.compress_size


def _check_sizes(archive: zipfile.ZipFile, limits: Limits) -> None:
    total = 0
    for part in archive.infolist():
        most = max(SMALL_BYTES, part.compress_size * limits.xlsx_ratio)
        unpacked, before = 0, b""
        markup = part.filename.endswith((".xml", ".rels", ".vml"))
        with archive.open(part) as stream:
            while piece := stream.read(PIECE_BYTES):
                unpacked += len(piece)
                if unpacked > most:
                    raise _too_tight(limits)
                if total + unpacked > limits.xlsx_unpacked_bytes:
                    raise _too_much(limits)
                # Parsers refuse it too; but those of parts that we never parse are not asked.
                if markup and b"<!DOCTYPE" in before + piece:
                    raise unsafe("a document type definition")
                before = piece[-16:]
        total += unpacked


def _too_tight(limits: Limits) -> Refused:
    return refused(
        "compression_ratio",
        f"A part of this workbook unpacks to more than {limits.xlsx_ratio} times its size, as the "
        "parts of a decompression bomb do. Save it as CSV.",
        detail={"limit": limits.xlsx_ratio},
    )


def _too_much(limits: Limits) -> Refused:
    return refused(
        "too_large",
        f"This workbook unpacks to more than {limits.xlsx_unpacked_bytes:,} bytes, which is the "
        "limit. Save it as CSV.",
        detail={"limit": limits.xlsx_unpacked_bytes},
    )
