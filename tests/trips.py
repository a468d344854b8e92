"""Trips to PostgreSQL, counted where nothing gets past: in libpq's own record of its messages."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from tempfile import NamedTemporaryFile

from django.db import connection
from psycopg.pq import Trace


@dataclass(kw_only=True)
class Trips:
    """What went to PostgreSQL (F) and came back (B), in its order; complete after the block."""

    messages: list[str] = field(default_factory=list)

    @property
    def count(self) -> int:
        """How many times something was sent and then awaited."""
        ways = [message[0] for message in self.messages if message[:2] in ("F\t", "B\t")]
        return len("".join(ways).replace("B", " ").split())


@contextmanager
def counted() -> Iterator[Trips]:
    """Count the trips of Django's own connection that are made in this block."""
    connection.ensure_connection()
    pg, trips = connection.connection.pgconn, Trips()
    with NamedTemporaryFile("r+") as record:
        pg.trace(record.fileno())
        pg.set_trace_flags(Trace.SUPPRESS_TIMESTAMPS)
        try:
            yield trips
        finally:
            pg.untrace()
            record.seek(0)
            trips.messages += record.read().splitlines()
