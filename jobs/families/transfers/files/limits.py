"""How large a file may be; the engine fills it from the settings of the organization."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class Limits:
    """What a file may have.

    rows: records, without header and blank ones; xlsx_rows: rows of a sheet.
    columns: of the header. record_characters, cell_characters: of one record, of one cell.
    xlsx_bytes: of the workbook; xlsx_parts: files inside; xlsx_unpacked_bytes: of all of them.
    xlsx_ratio: unpacked to packed, of each part; xlsx_cells: rows times columns in use.
    """

    rows: int = 10_000_000
    xlsx_rows: int = 1_048_576
    columns: int = 200
    record_characters: int = 1024 * 1024
    cell_characters: int = 64 * 1024
    xlsx_bytes: int = 100 * 1024 * 1024
    xlsx_parts: int = 2_000
    xlsx_unpacked_bytes: int = 512 * 1024 * 1024
    xlsx_ratio: int = 100
    xlsx_cells: int = 20_000_000
