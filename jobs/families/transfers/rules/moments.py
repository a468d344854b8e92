"""Points in time: which format a column has, and what moment a text means in a zone.

Neither PostgreSQL nor `fromisoformat` decides what a date is: both take `20260101`, week dates or
`now` without a word. Here one anchored pattern stands for each format, and a column has one.

A time without an offset is local to the zone that was chosen. A date without a time is its
midnight there, as a beginning and as an end. Digits beyond microseconds are cut off.
"""

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, timezone
from typing import Literal
from zoneinfo import ZoneInfo

from jobs.families.transfers.rules.findings import Finding

FIRST_YEAR, LAST_YEAR = 1900, 2200

_CLOCK = r"(?P<h>\d{1,2}):(?P<min>\d\d)(?::(?P<s>\d\d)(?:\.(?P<f>\d{1,9}))?)?"
_ISO_CLOCK = _CLOCK.replace(r"\d{1,2}", r"\d\d")
_OFFSET = r"(?P<z>[Zz]|[+-]\d\d(?::?\d\d)?)"
_PARTS = ("y", "m", "d", "h", "min", "s", "f")
_DAY, _MONTH, _YEAR = r"(?P<d>\d{1,2})", r"(?P<m>\d{1,2})", r"(?P<y>\d{4,6})"


def _local(first: str, second: str, third: str, separator: str) -> re.Pattern[str]:
    day = re.escape(separator).join((first, second, third))
    return re.compile(rf"{day}(?:,? +{_CLOCK})?", re.ASCII)


PATTERNS: dict[str, re.Pattern[str]] = {
    "YYYY-MM-DD": re.compile(
        rf"(?P<y>\d{{4,6}})-(?P<m>\d\d)-(?P<d>\d\d)(?:[Tt ]{_ISO_CLOCK} ?{_OFFSET}?)?", re.ASCII
    ),
    "YYYY/MM/DD": _local(_YEAR, _MONTH, _DAY, "/"),
    "DD.MM.YYYY": _local(_DAY, _MONTH, _YEAR, "."),
    "DD/MM/YYYY": _local(_DAY, _MONTH, _YEAR, "/"),
    "MM/DD/YYYY": _local(_MONTH, _DAY, _YEAR, "/"),
    "DD-MM-YYYY": _local(_DAY, _MONTH, _YEAR, "-"),
    "MM-DD-YYYY": _local(_MONTH, _DAY, _YEAR, "-"),
}
"""By the names of `choices.DATE_FORMATS`."""
_TWO_DIGITS = re.compile(r"\d{1,2}([./-])\d{1,2}\1\d\d(?!\d)", re.ASCII)

Ambiguous = Literal["earlier", "later"] | None


class NotAMoment(Exception):
    """Says why a value is no point in time that we take."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.finding = Finding(code, message)


@dataclass(frozen=True, kw_only=True)
class Clock:
    """How the moments of one column are written. The results are UTC, as RFC 3339."""

    format: str
    zone: ZoneInfo
    ambiguous: Ambiguous = None

    def read(self, text: str) -> str:
        """A text in the column's format. Raises NotAMoment."""
        text = text.strip()
        found = PATTERNS[self.format].fullmatch(text)
        if found is None:
            if _TWO_DIGITS.match(text):
                raise NotAMoment(
                    "year_two_digits",
                    "The year has two digits, so its century is a guess. Write all four.",
                )
            raise self._refused()
        year, month, day, hour, minute, second, fraction = found.group(*_PARTS)
        _check_year(int(year))
        try:
            moment = datetime(
                *(int(year), int(month), int(day)),
                *(int(hour or 0), int(minute or 0), int(second or 0)),
                microsecond=int(fraction.ljust(6, "0")[:6]) if fraction else 0,
                tzinfo=_offset(found["z"]) if self.format == "YYYY-MM-DD" else None,
            )
        except ValueError as error:
            raise self._refused(f": {error}") from error
        return self.written(moment)

    def written(self, moment: datetime | date) -> str:
        """A moment that the file already gave as one; a date is its midnight. Raises NotAMoment.

        Results compare as texts in the order of the moments they stand for.
        """
        if not isinstance(moment, datetime):
            moment = datetime.combine(moment, time())
        _check_year(moment.year)
        if moment.tzinfo is None:
            moment = self._in_zone(moment)
        return moment.astimezone(UTC).isoformat()

    def _in_zone(self, local: datetime) -> datetime:
        earlier, later = (local.replace(tzinfo=self.zone, fold=fold) for fold in (0, 1))
        before, after = earlier.utcoffset(), later.utcoffset()
        if before == after:
            return earlier
        if before is None or after is None or before < after:
            raise NotAMoment(
                "local_time_missing",
                f"The clocks in {self.zone.key} were put forward over this time, so it never was. "
                "Correct it, or write the offset.",
            )
        if self.ambiguous is None:
            raise NotAMoment(
                "local_time_ambiguous",
                f"The clocks in {self.zone.key} were put back, so this time was twice. Write the "
                "offset, or choose earlier or later for the whole file.",
            )
        return earlier if self.ambiguous == "earlier" else later

    def _refused(self, why: str = "") -> NotAMoment:
        return NotAMoment(
            "datetime",
            f"This is no date of the form {self.format}{why}. Write it so, with a time as HH:MM or "
            "HH:MM:SS if it has one.",
        )


def _check_year(year: int) -> None:
    if not FIRST_YEAR <= year <= LAST_YEAR:
        raise NotAMoment(
            "datetime_range",
            f"The year {year} is not between {FIRST_YEAR} and {LAST_YEAR}. Correct it.",
        )


def _offset(text: str | None) -> timezone | None:
    if text is None:
        return None
    if text in "Zz":
        return UTC
    hours, minutes = int(text[1:3]), int(text[-2:]) if len(text) > 3 else 0
    if hours > 23 or minutes > 59:
        raise ValueError("an offset is at most 23:59")
    size = timedelta(hours=hours, minutes=minutes)
    return timezone(-size if text[0] == "-" else size)
