"""Several connections at once: each call in a thread of its own, whose connection is closed."""

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

from django.db import connection, connections

from tests.waiting import eventually


@contextmanager
def elsewhere() -> Iterator[Callable[..., Future[Any]]]:
    """`begin(call, …)` runs it in a thread of its own; all have ended when the block has."""
    with ThreadPoolExecutor() as pool:

        def begin[T](call: Callable[..., T], *args: Any, **kwargs: Any) -> Future[T]:
            def run() -> T:
                try:
                    return call(*args, **kwargs)
                finally:
                    connections.close_all()

            return pool.submit(run)

        yield begin


def together[T](*calls: Callable[[], T]) -> list[T]:
    """Run all at once; what each returned, in their order."""
    with elsewhere() as begin:
        return [one.result() for one in [begin(call) for call in calls]]


def until_somebody_waits_for_a_lock(how_many: int = 1) -> None:
    """Return once so many other connections to this database stand before a lock."""

    def waiting() -> bool:
        with connection.cursor() as cursor:
            # Within a transaction, what was seen first is what is seen again.
            cursor.execute("SELECT pg_stat_clear_snapshot()")
            cursor.execute(
                "SELECT count(*) FROM pg_stat_activity"
                " WHERE datname = current_database() AND wait_event_type = 'Lock'"
            )
            return int(cursor.fetchone()[0]) >= how_many

    eventually(waiting)
