"""The columns of a table, and cells that are longer than a cell may be; for every format."""

from jobs.families.transfers.files.issues import Issue, refused, shown
from jobs.families.transfers.files.limits import Limits
from jobs.families.transfers.files.records import Column, Record, named

HEADER_CHARACTERS = 1_000
"""Of one header; it is repeated in every issue of its column."""


def columns_of(first: Record, *, has_header: bool, limits: Limits) -> list[Column]:
    """The columns of a table whose first record this is."""
    cells = first.cells
    if len(cells) > limits.columns:
        raise refused(
            "too_many_columns",
            f"The file has {len(cells)} columns; the limit is {limits.columns}.",
            row=first.row,
            line=first.line,
            detail={"limit": limits.columns, "found": len(cells)},
        )
    texts = ["" if cell is None else str(cell) for cell in cells]
    columns = named([text if has_header and text.strip() else "" for text in texts])
    for column in columns:
        refuse_unkeepable(column.name, column.letter, first)
        if len(column.name) > HEADER_CHARACTERS:
            raise refused(
                "header_too_long",
                f"The header of column {column.letter} is longer than {HEADER_CHARACTERS} "
                "characters. Is the first row a header?",
                row=first.row,
                line=first.line,
                letter=column.letter,
                detail={"limit": HEADER_CHARACTERS, "found": len(column.name)},
            )
    return columns


def refuse_unkeepable(name: str, place: str, at: Record) -> None:
    """A name with what no database keeps as text: a NUL, or half a character. Raises Refused."""
    if any(one == "\0" or "\ud800" <= one <= "\udfff" for one in name):
        raise refused(
            "header_character",
            f"The name of column {place} contains a character that cannot be kept, such as NUL. "
            "Remove it; or is the file in another encoding?",
            row=at.row,
            line=at.line,
            letter=place,
            value=shown(name),
        )


def too_long_cells(record: Record, columns: list[Column], limits: Limits) -> list[Issue]:
    """An issue for each cell of text that is longer than a cell may be."""
    limit = limits.cell_characters
    return [
        Issue(
            level="row",
            code="cell_too_long",
            message=f"This cell has {len(cell):,} characters; the limit is {limit:,}.",
            row=record.row,
            line=record.line,
            column=column.name,
            letter=column.letter,
            value=shown(cell),
            detail={"limit": limit, "found": len(cell)},
        )
        for cell, column in zip(record.cells, columns, strict=False)
        if isinstance(cell, str) and len(cell) > limit
    ]
