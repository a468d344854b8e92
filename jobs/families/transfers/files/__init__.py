"""Read a file of any quality; plain Python, in a child process only.

    detect      what a file is, by its content
    encoding    in which encoding a text is; dialect: what separates its cells, is there a header
    delimited, jsonl, xlsx (its guard, book and cells), parquet    a Reader each, of Records
    reader      opens a file as what it is
    survey      one pass over all of it, and the questions that are left
    report      the file again, with what is wrong beside each row

Nothing is repaired, filled in or guessed without a word: what is odd about a record is an Issue
with its row, line and column, what is odd about the whole file a question or a refusal.
"""
