"""Workbooks: good ones by a library, bad ones part by part."""

import io
import zipfile
from collections.abc import Mapping, Sequence
from typing import Any

import xlsxwriter

MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
RELATIONS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
PACKAGE = "http://schemas.openxmlformats.org/package/2006/relationships"


def workbook(
    sheets: Mapping[str, Sequence[Sequence[Any]]], **options: Any
) -> tuple[xlsxwriter.Workbook, io.BytesIO]:
    """A workbook that is still open, with these values, and where it is written on `close`."""
    target = io.BytesIO()
    book = xlsxwriter.Workbook(target, options)
    for name, rows in sheets.items():
        sheet = book.add_worksheet(name)
        for number, row in enumerate(rows):
            sheet.write_row(number, 0, row)
    return book, target


def written(*rows: Sequence[Any], **options: Any) -> bytes:
    """A workbook of one sheet with these rows."""
    book, target = workbook({"Sheet1": rows}, **options)
    book.close()
    return target.getvalue()


def parts(sheet_data: str, **more: str) -> dict[str, str]:
    """The parts of a workbook of one sheet, whose rows are this XML."""
    usual = {
        "[Content_Types].xml": "<Types/>",
        "_rels/.rels": f'<Relationships xmlns="{PACKAGE}"><Relationship Id="r" '
        f'Type="{RELATIONS}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
        "xl/workbook.xml": f'<workbook xmlns="{MAIN}" xmlns:r="{RELATIONS}"><sheets>'
        '<sheet name="S" sheetId="1" r:id="r1"/></sheets></workbook>',
        "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{PACKAGE}"><Relationship Id="r1" '
        f'Type="{RELATIONS}/worksheet" Target="worksheets/sheet1.xml"/></Relationships>',
        "xl/worksheets/sheet1.xml": f'<worksheet xmlns="{MAIN}"><sheetData>{sheet_data}'
        "</sheetData></worksheet>",
    }
    return usual | more


def packed(parts_: Mapping[str, str | bytes]) -> bytes:
    """A ZIP of these parts."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts_.items():
            archive.writestr(name, content)
    return target.getvalue()


def inline(reference: str, text: str) -> str:
    """A cell with this text."""
    return f'<c r="{reference}" t="inlineStr"><is><t>{text}</t></is></c>'
