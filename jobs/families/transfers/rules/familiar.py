"""Moments put together from an hour and minutes that were seen before.

Most moments of a large file are new, and neither their hour nor their minutes are. What comes
before the first colon becomes an hour in UTC, what follows is the same in every hour; both only
where the offset of the zone is in whole hours and does not change nearby.
"""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from jobs.families.transfers.files.records import Cell
from jobs.families.transfers.rules.values import Way

LONGEST = len("2026-01-01T10:00:00Z")
MOST_KEPT = 50_000
NEARBY = timedelta(hours=3)
"""No zone has put its clocks back by more since 1900, but where the date line was moved."""
_NO_OFFSET = frozenset("0123456789:")

Hours = dict[str, str]


class Familiar:
    """Reads with `read`, which raises what it likes, but for what is familiar.

    That is a text in UTC (`…Z`), or local to `zone`, of which both parts were read before.
    """

    def __init__(self, zone: ZoneInfo, read: Way) -> None:
        self._zone = zone
        self._read = read
        self._utc: Hours = {}
        self._local: Hours = {}
        self._rests: dict[str, tuple[Hours, str]] = {}

    def way(self) -> Way:
        """The moment that a cell means, as `moments.Clock` writes it."""
        rests, read, learn = self._rests, self._read, self._learn

        def quick(cell: Cell) -> str:
            if cell.__class__ is not str:
                return read(cell)
            hour, _, rest = cell.partition(":")
            known = rests.get(rest)
            if known is not None:
                start = known[0].get(hour)
                if start is not None:
                    return start + known[1]
            moment = read(cell)
            learn(cell, moment)
            return moment

        return quick

    def _learn(self, text: str, moment: str) -> None:
        hour, colon, rest = text.partition(":")
        if not colon or len(text) > LONGEST:
            return
        if rest.endswith("Z"):
            hours = self._utc
        elif _NO_OFFSET.issuperset(rest) and self._is_steady(moment):
            hours = self._local
        else:
            return
        if len(hours) >= MOST_KEPT:
            hours.clear()
        hours[hour] = moment[:13]
        self._rests[rest] = (hours, moment[13:])

    def _is_steady(self, moment: str) -> bool:
        there = datetime.fromisoformat(moment)
        offsets = {
            (there + nearby).astimezone(self._zone).utcoffset()
            for nearby in (-NEARBY, timedelta(), NEARBY)
        }
        first = offsets.pop() or timedelta()
        return not offsets and not first % timedelta(hours=1)
