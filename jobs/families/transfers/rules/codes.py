"""Every code that a message about a file, a column or a row can have, and what it asks for.

A code is stable: programs rely on it. The texts here are those of docs/administer/imports.md, which
`python -m jobs.families.transfers.rules.codes` prints; a test holds the two together, and finds a
code in the sources that is missing here.

    file       the whole file is refused, and stays for inspection
    question   the import waits for a person
    row        this row fails, the others pass
    warn       it passes, and somebody should know
"""

import sys
from typing import NamedTuple


class Code(NamedTuple):
    """How bad, what it means, and what to do."""

    levels: str
    meaning: str
    remedy: str


OF_THE_FILE = {
    "empty_file": Code("file", "There is nothing in the file", "Export it again"),
    "no_rows": Code("file", "A header and no row below it", "Export it again"),
    "format_mismatch": Code(
        "file, question, warn",
        "The content is not what the name says, or of a kind that we do not read",
        "Save it as CSV, XLSX, JSONL or Parquet; confirm what is offered",
    ),
    "file_too_large": Code("file", "More bytes than an import may have", "Divide the file"),
    "too_many_issues": Code(
        "file",
        "So many errors and warnings that they cannot be kept; the message has the most frequent",
        "Look at the mapping, then correct the file or divide it",
    ),
    "too_many_rows": Code("file", "More rows than an import may have", "Divide the file"),
    "too_many_columns": Code("file", "More columns than a file may have", "Leave some out"),
    "header_too_long": Code(
        "file", "The name of a column is longer than a cell may be", "Is row 1 the header?"
    ),
    "header_character": Code(
        "file",
        "The name of a column contains a NUL or half a character, which no database keeps",
        "Remove it, or export the file in another encoding",
    ),
    "record_too_long": Code(
        "file",
        "One record is larger than 1 MiB",
        "Look for a quote that never closes at the row named, or shorten the record",
    ),
    "delimiter": Code(
        "file", "The chosen delimiter is none that divides cells", "Choose , ; | or the tab"
    ),
    "quote_unclosed": Code(
        "file",
        "A quote opens at the row named and never closes, so nothing after it can be told apart",
        "Close it, or double it if it is part of the text",
    ),
    "encoding_unknown": Code(
        "question, file",
        "Some bytes are no text in UTF-8, and nothing says what they are",
        "Choose the encoding in which the preview looks right",
    ),
    "encoding_mixed": Code(
        "question",
        "Most of the file is UTF-8, the row named is not",
        "Mend the row and upload again; a single encoding would garble the others",
    ),
    "xlsx_damaged": Code("file", "The workbook cannot be opened", "Save it again, upload it again"),
    "xlsx_encrypted": Code("file", "The workbook has a password", "Save it without"),
    "xlsx_unsafe": Code(
        "file",
        "The workbook refers to things outside itself",
        "Copy its values into a new workbook",
    ),
    "too_large": Code("file", "A workbook larger than one may be", "Save it as CSV"),
    "sheet_unknown": Code("file", "The chosen sheet is not in the workbook", "Choose another"),
    "sheet_too_large": Code(
        "file",
        "The used part of the sheet is too large, often because of one cell far away",
        "Delete the empty rows and columns behind your data, or save as CSV",
    ),
    "compression_ratio": Code(
        "file", "The workbook unpacks to far more than it can hold", "Save it again, or as CSV"
    ),
    "choose_sheet": Code("question", "Several sheets have rows", "Choose one"),
    "parquet_damaged": Code("file", "The Parquet file cannot be opened", "Write it again"),
    "parquet_encrypted": Code("file", "The Parquet file is encrypted", "Write it without"),
    "memory_limit": Code(
        "file", "Reading the file takes too much memory", "Save as CSV, or divide"
    ),
    "cpu_limit": Code("file", "Reading the file takes too long", "Save as CSV, or divide"),
    "time_limit": Code("file", "Reading the file takes too long", "Save as CSV, or divide"),
    "crashed": Code("file", "The file cannot be read", "Save it again, or as CSV"),
    "file_changed": Code(
        "file", "The stored file is not the one that was checked", "Upload it again"
    ),
    "file_removed": Code("file", "The stored file was removed after its time", "Upload it again"),
    "many_removals": Code(
        "warn", "Much is not listed and would be removed", "Type the number to approve"
    ),
    "not_listed": Code(
        "warn", "Somebody or something is not listed and would be removed", "Add it to the file"
    ),
    "plan_changed": Code(
        "file", "What would happen is no longer what was approved", "Approve the new plan"
    ),
    "seat_limit": Code("file", "More invitations than seats", "Invite fewer, or ask for seats"),
}

OF_A_COLUMN = {
    "header_missing": Code("question", "The first record looks like data", "Say if it is a header"),
    "single_column": Code(
        "question", "One column only: the delimiter is wrong", "Choose the other"
    ),
    "required_column": Code(
        "question", "No column goes to a field that rows need", "Map one to it"
    ),
    "duplicate_column": Code(
        "question, warn", "Two columns have one name, or go to one field", "Leave one out"
    ),
    "column_undecided": Code(
        "question", "A column goes to no field", "Map it, or leave it out on purpose"
    ),
    "not_mappable": Code(
        "warn, question",
        "A column that can go to no field, as organization_id: it is ignored",
        "Nothing",
    ),
    "empty_header": Code("warn", "A column has values and no name", "Map it by its letter"),
    "unknown_key": Code(
        "warn", "A key that the first records did not have: it is ignored", "Give it to the first"
    ),
    "date_format_ambiguous": Code(
        "question", "All dates of the column can be read in several ways", "Choose the format"
    ),
    "date_format_conflict": Code(
        "question",
        "No one format fits the two rows named",
        "Choose the format of the column; rows that are written otherwise fail",
    ),
}

OF_A_RECORD = {
    "cell_count": Code(
        "row",
        "More or fewer cells than columns; nothing is filled in",
        "Put text with delimiters in quotes, without a space before the quote",
    ),
    "extra_empty_cells": Code("warn", "Empty cells behind the last column", "Nothing"),
    "quote_malformed": Code("row", "Text behind a closing quote", "Double a quote inside the text"),
    "cell_too_long": Code("row", "A cell of more than 64 KiB", "Shorten it"),
    "json": Code("row", "The line is not JSON; the message says where", "Mend it; NaN is no JSON"),
    "not_object": Code("row", "The line is JSON, but no object", "Write { … }"),
    "duplicate_key_in_object": Code("row", "One key twice in an object", "Remove one"),
    "json_depth": Code("row", "Nested too deeply", "Fields hold single values"),
    "cell_error": Code("row", "The cell shows an error, as #REF!", "Correct its formula"),
    "formula_uncached": Code(
        "row", "A formula that was never computed", "Open and save the file in a spreadsheet"
    ),
    "number_precision": Code(
        "row",
        "A number of more than 15 digits, the last of which are lost",
        "Format the column as text and enter it again",
    ),
    "number_format": Code(
        "warn",
        "The cell shows zeros or signs that are not in its value",
        "Format the column as text if they matter",
    ),
    "merged_cells": Code("warn", "Only the first of merged cells has the value", "Split them"),
    "hidden_rows": Code("warn", "Hidden rows are imported too", "Delete those that should not be"),
}

OF_A_VALUE = {
    "required": Code("row", "Empty, or told to be emptied, where a value is needed", "Fill it in"),
    "type": Code("row", "A list, an object, a date or a yes/no where text belongs", "Write text"),
    "choice": Code(
        "row", "None of the known words; often with a hint", "Write one, or map it to one"
    ),
    "too_long": Code("row", "More characters than the field has room for", "Shorten it"),
    "integer": Code("row", "No whole number", "Write digits only"),
    "integer_range": Code("row", "A number that is too large for an id", "Correct it"),
    "datetime": Code("row", "No date of the column's format, or not in the calendar", "Correct it"),
    "datetime_range": Code("row", "A year before 1900 or after 2200", "Correct it"),
    "year_two_digits": Code("row", "A year of two digits", "Write four"),
    "local_time_missing": Code("row", "The clocks skipped this time", "Correct it"),
    "local_time_ambiguous": Code(
        "row", "The clocks had this time twice", "Write the offset, or choose earlier or later"
    ),
    "before_start": Code("row", "It ends before it starts", "Correct one of the two"),
    "email": Code("row", "Not one mail address", "Write one, as name@example.org"),
    "nul_character": Code("row", "A NUL character", "Remove it; is the encoding right?"),
    "control_character": Code(
        "row",
        "A character that does not show, or the end of a line where one line belongs",
        "Remove it",
    ),
    "line_separator": Code("warn", "U+2028 or U+2029: kept", "Look whether it belongs there"),
    "replacement_character": Code("warn", "U+FFFD: a character was lost before", "Look for it"),
}

OF_WHAT_IS_THERE = {
    "unknown_reference": Code(
        "row", "No such mission, entry or project that you may see", "Correct the code or id"
    ),
    "identity_conflict": Code(
        "row", "Its id is one entry's, its external id another's", "Remove one of the two"
    ),
    "not_editable": Code(
        "row", "You see it and may not change it", "Ask for the right, or leave it"
    ),
    "duplicate_key": Code(
        "row", "The key of an earlier row, with other values; the row is named", "Keep one"
    ),
    "duplicate_same": Code("warn", "The same as an earlier row; taken once", "Nothing"),
    "person_suspended": Code("row", "The person's account is suspended", "Leave the row out"),
    "service_account": Code("row", "An account of a program, not of a person", "Leave it out"),
    "self_change": Code("row", "You would shut yourself out", "Ask another admin"),
    "role_not_grantable": Code(
        "row", "A role above your own; owner is never given by a file", "Give a lower one"
    ),
    "last_owner": Code(
        "row, file", "The organization would have no owner", "Make somebody else an owner first"
    ),
    "kept": Code("warn", "An undo left it: it was touched since, or must not be", "Look at it"),
    "address_suppressed": Code("warn", "Mails to this address come back", "Check the address"),
}

GROUPS = {
    "The file": OF_THE_FILE,
    "Its columns": OF_A_COLUMN,
    "A record, as it stands in the file": OF_A_RECORD,
    "A value": OF_A_VALUE,
    "A row, beside what is there already": OF_WHAT_IS_THERE,
}
CODES = {code: meant for group in GROUPS.values() for code, meant in group.items()}


def page() -> str:
    """The tables of docs/administer/imports.md."""
    return "\n\n".join(_table(title, codes) for title, codes in GROUPS.items()) + "\n"


def _table(title: str, codes: dict[str, Code]) -> str:
    rows = [
        f"| `{code}` | {one.levels} | {one.meaning} | {one.remedy} |" for code, one in codes.items()
    ]
    return "\n".join(
        [f"### {title}", "", "| code | | what it means | what to do |", "|---|---|---|---|", *rows]
    )


if __name__ == "__main__":
    sys.stdout.write(page())
