"""Make a chunk of a commit wait, so that something can happen between two chunks."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection, transaction

from tenancy import changes
from tenancy.models import Mission, TimelineEntry
from tenancy.scope import scope


class _Undo(Exception):
    pass


@contextmanager
def held(mission: Mission, key: str) -> Iterator[None]:
    """Until the block ends, whoever adds an entry with this external id waits.

    Another transaction has just added one, and is undone in the end. It is of another mission,
    whose document nobody else counts: the import is to wait for the entry.
    """
    with scope(mission.organization_id), transaction.atomic():
        elsewhere = changes.create(
            Mission(
                organization_id=mission.organization_id,
                project_id=mission.project_id,
                reference=f"ELSEWHERE-{key}",
                title="Elsewhere",
            )
        )
    is_held, may_go = threading.Event(), threading.Event()

    def hold() -> None:
        try:
            with scope(mission.organization_id), transaction.atomic():
                entry = TimelineEntry(
                    organization_id=mission.organization_id,
                    mission=elsewhere,
                    external_id=key,
                    title="held",
                    starts_at=mission.created_at,
                )
                changes.create(entry)
                is_held.set()
                may_go.wait(60)
                raise _Undo
        except _Undo:
            pass
        finally:
            connection.close()

    thread = threading.Thread(target=hold)
    thread.start()
    assert is_held.wait(20)
    try:
        yield
    finally:
        may_go.set()
        thread.join()
