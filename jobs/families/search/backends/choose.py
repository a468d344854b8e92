"""Which backend holds the index."""

import functools

from jobs.families.search.backends import Backend
from jobs.families.search.backends.postgresql import PostgreSQL


@functools.cache
def backend() -> Backend:
    """The one that this installation uses."""
    return PostgreSQL()
