"""Lengths of time for people."""

from datetime import UTC, datetime, timedelta

from django.utils.html import format_html


def span(length: timedelta) -> str:
    """A length of time in its two largest units, such as `2 h 5 min`; under a second in ms."""
    seconds = max(0.0, length.total_seconds())
    if seconds < 1:
        return f"{round(seconds * 1000)} ms"
    if seconds < 10:
        return f"{seconds:.1f} s"
    whole = int(seconds)
    parts = [
        (whole // 86400, "d"),
        (whole % 86400 // 3600, "h"),
        (whole % 3600 // 60, "min"),
        (whole % 60, "s"),
    ]
    return " ".join([f"{number} {unit}" for number, unit in parts if number][:2])


def ago(moment: datetime | None) -> str:
    """A moment relative to now, with the exact one on hover and focus."""
    if moment is None:
        return "–"
    length = datetime.now(UTC) - moment
    text = f"{span(length)} ago" if length >= timedelta(0) else f"in {span(-length)}"
    return _shown(moment, text)


def lasting(moment: datetime) -> str:
    """How long ago a moment is, for what lasts since then: “for 2 min”."""
    return _shown(moment, span(datetime.now(UTC) - moment))


def _shown(moment: datetime, text: str) -> str:
    return format_html(
        '<time datetime="{}" title="{} UTC" tabindex="0">{}</time>',
        moment.isoformat(),
        moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S"),
        text,
    )
