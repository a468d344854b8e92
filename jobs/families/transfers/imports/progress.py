"""How far an import is, for people who watch: written at most once a second, logged every ten.

Each writing is a short transaction of its own, and asks whether the work is still wanted: so a dry
run that somebody cancels ends within a second.
"""

import time
from collections import deque
from typing import Any

import structlog

from jobs.execution.job import Run
from jobs.families.transfers.imports.turn import Superseded
from jobs.families.transfers.models import Import

log = structlog.get_logger(__name__)

WRITE_SECONDS = 1.0
LOG_SECONDS = 10.0
RATE_SECONDS = 10.0
# When the remaining time is worth saying: after so long, or so large a share.
SETTLED_SECONDS = 5.0
SETTLED_SHARE = 0.05


class Meter:
    """Of one phase of one import, in the job that does it."""

    def __init__(self, run: Run[Any], of: Import, phase: str, *, total: int | None = None) -> None:
        """total: rows in all, once they have been counted."""
        self._run, self._of, self._phase, self._total = run, of, phase, total
        now = time.monotonic()
        self._began, self._written, self._logged = now, float("-inf"), now
        self._seen: deque[tuple[float, int]] = deque()

    def tell(self, *, rows: int, file_bytes: int | None = None, errors: int = 0) -> None:
        """So many rows are done. Raises Superseded, and Cancelled when its job is to end."""
        self._run.check_cancelled()
        now = time.monotonic()
        if now - self._written < WRITE_SECONDS:
            return
        self._written = now
        self._seen.append((now, rows))
        while now - self._seen[0][0] > RATE_SECONDS:
            self._seen.popleft()
        told = self._told(now, rows, file_bytes, errors)
        self._write(told)
        if now - self._logged >= LOG_SECONDS:
            self._logged = now
            log.info("import_progress", import_id=str(self._of.pk), **told)

    def _told(self, now: float, rows: int, file_bytes: int | None, errors: int) -> dict[str, Any]:
        rate = self._rate(now, rows)
        told: dict[str, Any] = {
            "phase": self._phase,
            "rows": rows,
            "total": self._total,
            "rows_per_second": None if rate is None else round(rate),
            "errors": errors,
        }
        if file_bytes is not None:
            told |= {"bytes": file_bytes, "total_bytes": self._of.file_bytes}
        if rate and self._total:
            is_settled = now - self._began >= SETTLED_SECONDS or rows / self._total >= SETTLED_SHARE
            if is_settled:
                told["remaining_seconds"] = round(max(self._total - rows, 0) / rate, 1)
        return told

    def _rate(self, now: float, rows: int) -> float | None:
        first_at, first_rows = self._seen[0]
        return (rows - first_rows) / (now - first_at) if now > first_at else None

    def _write(self, told: dict[str, Any]) -> None:
        of = self._of
        mine = Import.objects.filter(
            organization_id=of.organization_id, pk=of.pk, state=of.state, turn=of.turn
        )
        with self._run.transaction():
            is_wanted = mine.update(progress=told)
        if not is_wanted:
            raise Superseded
