"""Which destinations have failed lately, as this process knows them: only those cost a job a look.

Each process reads once a second what has failed since it last read, and everything once a minute;
so what ten thousand failing destinations cost it follows from how often they fail, not from how
many there are. Between two readings it may name one that is whole again, which costs that one's
jobs a look, and may not know a failure of another worker that is less than a second old.
"""

import threading
import time
from datetime import datetime, timedelta

from django.db import transaction

from jobs.ledger.breakers import Breaker, Key
from tenancy.scope import engine_scope

FRESH_SECONDS = 1.0
WHOLE_SECONDS = 60.0
# A failure may be committed so much later than its moment says.
SLACK = timedelta(seconds=5)


class Failing:
    """Safe from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._keys: set[Key] = set()
        self._last: datetime | None = None  # failure that was read, by PostgreSQL's clock
        self._read_at = self._read_whole_at = float("-inf")

    def __contains__(self, key: Key) -> bool:
        with self._lock:
            if time.monotonic() - self._read_at > FRESH_SECONDS:
                self._read()
            return key in self._keys

    def add(self, key: Key) -> None:
        """It has just failed here."""
        with self._lock:
            self._keys.add(key)

    def _read(self) -> None:
        now = time.monotonic()
        if now - self._read_whole_at > WHOLE_SECONDS:
            self._keys, self._last = _failed_since(None)
            self._read_whole_at = now
        else:
            more, last = _failed_since(self._last)
            self._keys |= more
            self._last = last or self._last
        self._read_at = now


def _failed_since(last: datetime | None) -> tuple[set[Key], datetime | None]:
    found = Breaker.objects.order_by()
    if last is not None:
        found = found.filter(failed_at__gte=last - SLACK)
    with engine_scope(), transaction.atomic():
        rows = list(found.values_list("organization_id", "job_type", "destination", "failed_at"))
    keys = {Key(organization_id=of, job_type=name, destination=to) for of, name, to, _ in rows}
    return keys, max((at for *_, at in rows), default=None)


failing = Failing()
