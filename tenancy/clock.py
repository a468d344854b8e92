"""What time it is by PostgreSQL's clock, whatever the clock of this machine says.

Machines disagree by minutes. What is written down, signed or compared with what another machine
wrote takes its time from here: the server is asked once an hour, and in between the time that has
passed is added, which a clock that is wrong, or set, measures as well as any other.
"""

import time
from datetime import datetime, timedelta

from django.db import connection

ASKED_EVERY_SECONDS = 3600.0

_asked: tuple[datetime, float] | None = None  # PostgreSQL's time, and `monotonic` at that moment


def now() -> datetime:
    """The time, aware, in UTC; asks PostgreSQL when it was not asked lately."""
    global _asked
    if _asked is None or time.monotonic() - _asked[1] > ASKED_EVERY_SECONDS:
        with connection.cursor() as cursor:
            cursor.execute("SELECT clock_timestamp()")
            [[answer]] = cursor.fetchall()
        _asked = answer, time.monotonic()
    at, since = _asked
    return at + timedelta(seconds=time.monotonic() - since)
