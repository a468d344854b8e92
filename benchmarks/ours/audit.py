"""The audit log in a process of its own; each prints how many and how many seconds.

record N    transactions that change a mission's row and record it
bare N      the same with a bare insert of a text that is ready
seal N      N events sealed, batch after batch
offline N   N sealed events verified from files
"""

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import django

django.setup()

from django.db import connection, transaction  # noqa: E402

from audit.record import Event, record, record_many  # noqa: E402
from audit.sealing import copies  # noqa: E402
from audit.sealing.tick import installed, seal_next  # noqa: E402
from audit.verification import offline  # noqa: E402
from tenancy.scope import scope  # noqa: E402

ORGANIZATION = 1
_CHANGE = """
    UPDATE tenancy_mission SET title = %s WHERE organization_id = 1
        AND id = (SELECT min(id) FROM tenancy_mission WHERE organization_id = 1)
"""
_INSERT = "INSERT INTO audit_auditevent (organization_id, event) VALUES (1, %s)"
_LAST = "SELECT event FROM audit_auditevent WHERE organization_id = 1 ORDER BY id DESC LIMIT 1"


def _recorded() -> None:
    changes = {"title": ("Apollo 12", "Apollo 12, again")}
    record("mission.changed", ("mission", 1), organization_id=ORGANIZATION, changes=changes)


def transactions(count: int, tell: Callable[[], None]) -> float:
    """Seconds that so many take, one after the other."""
    with scope(ORGANIZATION):
        began = time.monotonic()
        for number in range(count):
            with transaction.atomic(), connection.cursor() as cursor:
                cursor.execute(_CHANGE, [f"Apollo {number}"])
                tell()
        return time.monotonic() - began


def bare(count: int) -> float:
    """The same row, without the making of its text."""
    with scope(ORGANIZATION), transaction.atomic(), connection.cursor() as cursor:
        _recorded()
        cursor.execute(_LAST)
        [(text,)] = cursor.fetchall()

    def insert() -> None:
        with connection.cursor() as cursor:
            cursor.execute(_INSERT, [text])

    return transactions(count, insert)


def seal(count: int) -> float:
    """Record as many, and seal all there is."""
    with scope(ORGANIZATION), transaction.atomic():
        for number in range(0, count, 1_000):
            record_many(
                [
                    Event(
                        organization_id=ORGANIZATION,
                        action="mission.changed",
                        target_type="mission",
                        target_id=str(number + one),
                        changes={"title": ("Apollo 12", f"Apollo {one}")},
                    )
                    for one in range(1_000)
                ]
            )
    known = installed()
    began = time.monotonic()
    sealed = 0
    while found := seal_next(ORGANIZATION, known):
        sealed += found
    return (time.monotonic() - began) * count / sealed


def verify(count: int) -> float:
    """Copy what is sealed, and verify the copy, for as many."""
    with TemporaryDirectory() as name:
        folder = Path(name)
        with scope(ORGANIZATION), transaction.atomic(), connection.cursor() as cursor:
            copies.write(cursor, ORGANIZATION, folder / "copy")
        (folder / "keys").write_text("\n".join(key.text for key in installed().trusted))
        began = time.monotonic()
        told = offline.look(folder / "copy", folder / "keys", [])
        seconds = time.monotonic() - began
    if told["findings"]:
        raise SystemExit(f"not whole: {told}")
    return seconds * count / int(str(told["events"]))


MODES: dict[str, Callable[[int], float]] = {
    "record": lambda count: transactions(count, _recorded),
    "bare": bare,
    "seal": seal,
    "offline": verify,
}

if __name__ == "__main__":
    count = int(sys.argv[2])
    print(json.dumps({"events": count, "seconds": MODES[sys.argv[1]](count)}))
