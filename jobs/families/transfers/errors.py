"""The errors of this family.

JobsError
├── StoreError            the object store did not do what was asked
│   ├── StoreUnavailable  it does not answer, or refuses us: may work later
│   ├── StoreFull         it has no room: may work once somebody makes some
│   └── NotThere          it has no such object
└── ExportRefused         no later attempt can write this export: the dead letter's reason is `word`
    ├── SnapshotTooLong   its snapshot was open for EXPORTS_MAX_SECONDS
    ├── TooManyRows       its format has no room for so many
    └── CellTooLong       its format has no room for so long a text
"""

from typing import ClassVar

from jobs.errors import JobsError, Permanent, RetryLater


class StoreError(JobsError):
    """The object store did not do what was asked."""


class StoreUnavailable(StoreError, RetryLater):
    """The store does not answer, or refuses us."""

    def __init__(self, key: str, why: str) -> None:
        self.key = key
        super().__init__(
            f"The object store did not serve {key}: {why}. It is tried again; if it stays so, "
            "compare OBJECT_STORE_URL and the store's credentials with what the store expects."
        )


class StoreFull(StoreError, RetryLater):
    """The store has no room."""

    def __init__(self, key: str, why: str) -> None:
        self.key = key
        super().__init__(
            f"The object store has no room for {key}: {why}. Nothing was kept under that name. "
            "It is tried again; make room where OBJECT_STORE_URL points."
        )


class NotThere(StoreError):
    """No object has this key."""

    def __init__(self, key: str) -> None:
        self.key = key
        super().__init__(
            f"The object store has no {key}. Files are removed after their days, and at once when "
            "their organization is suspended; what is needed again has to be made or sent again."
        )


class ExportRefused(Permanent):
    """No later attempt can write this export as it was asked for."""

    word: ClassVar[str]

    def __init__(self, message: str) -> None:
        super().__init__(message, reason=self.word)


class SnapshotTooLong(ExportRefused):
    """PostgreSQL can remove nothing that died since a snapshot was taken, so it has an end."""

    word = "snapshot_too_long"

    def __init__(self, rows: int, total: int, seconds: float) -> None:
        super().__init__(
            f"After {seconds:g} seconds {rows:,} of {total:,} rows were written, and no snapshot "
            "may be open for longer: it would hold up the clean-up of the whole database. Narrow "
            "the filter, and export it in parts."
        )


class TooManyRows(ExportRefused):
    """A sheet ends."""

    word = "too_many_rows"

    def __init__(self, rows: int, most: int) -> None:
        super().__init__(
            f"{rows:,} rows do not fit one sheet of {most:,}. Narrow the filter, or choose CSV, "
            "JSONL or Parquet."
        )


class CellTooLong(ExportRefused):
    """Excel would leave out the end of it without a word."""

    word = "cell_too_long"

    def __init__(self, column: str, row: int, found: int, most: int) -> None:
        super().__init__(
            f"The {column} in row {row:,} has {found:,} characters, and a cell of XLSX at most "
            f"{most:,}. Choose CSV, JSONL or Parquet."
        )
