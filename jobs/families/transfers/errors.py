"""The errors of this family.

JobsError
└── StoreError            the object store did not do what was asked
    ├── StoreUnavailable  it does not answer, or refuses us: may work later
    ├── StoreFull         it has no room: may work once somebody makes some
    └── NotThere          it has no such object
"""

from jobs.errors import JobsError, RetryLater


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
