"""The `date` filter: times shown in the reader's own zone and language.

python-liquid's own accepts any text as a date and any width in a format (`%99999999d` fills the
memory), and knows neither zones nor languages.
"""

import re
from datetime import UTC, datetime
from datetime import date as calendar_date
from typing import Any
from zoneinfo import ZoneInfo

from babel import Locale, UnknownLocaleError
from babel.dates import format_date, format_time, get_timezone_name
from liquid.exceptions import FilterError
from liquid.filter import with_context

NAMED = ("short", "medium", "long", "full")
_DIRECTIVES = re.compile(r"%[-]?[aAbBdeHIjmMpSuUwyYzZ%]")
MAX_FORMAT_CHARS = 64


@with_context
def date(value: object, form: object = "medium", *, context: Any) -> str:
    """A time such as `2026-03-01T09:30:00Z`, as `short`, `medium`, `long`, `full` or `%d.%m.%Y`.

    An empty value stays empty; anything else that is no time is an error.
    """
    if value is None or value == "":
        return ""
    local = _parsed(value).astimezone(ZoneInfo(context.time_zone))
    form = str(form)
    if form in NAMED:
        locale = _locale(context.locale)
        day, time = format_date(local, form, locale), format_time(local, "short", locale=locale)
        # CLDR separates "7:00" and "AM" by a narrow space that mail programs often lack.
        zone = get_timezone_name(local, width="short", locale=locale)
        return f"{day}, {time} {zone}".replace("\u202f", " ")
    return local.strftime(_checked(form))


def _parsed(value: object) -> datetime:
    if isinstance(value, datetime):
        moment = value
    elif isinstance(value, calendar_date):
        moment = datetime(value.year, value.month, value.day, tzinfo=UTC)
    else:
        try:
            moment = datetime.fromisoformat(str(value)[:64])
        except ValueError:
            raise FilterError(f"date: {str(value)[:40]!r} is not a time", token=None) from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _checked(form: str) -> str:
    rest = _DIRECTIVES.sub("", form)
    if "%" in rest or len(form) > MAX_FORMAT_CHARS:
        raise FilterError(
            f"date: {form[:40]!r} is not a format; use {', '.join(NAMED)} or %d %m %Y %H %M…",
            token=None,
        )
    return form


def _locale(name: str) -> Locale:
    try:
        return Locale.parse(name.replace("-", "_"))
    except (UnknownLocaleError, ValueError):
        return Locale("en")
