"""How values look between Python and the Lua scripts."""

from datetime import timedelta

from jobs.broker import keys
from jobs.broker.messages import Control, Entry, Leased, MessageKey
from jobs.broker.scripts import Argument


def fields(entry: Entry) -> tuple[Argument, ...]:
    owner = keys.owner(entry.organization_id)
    kind = "_".join(entry.kind.split())
    return owner, entry.message_id, us(entry.delay), kind, entry.body


def leased(group: str, owner: bytes, message_id: bytes, value: bytes, stamp: str) -> Leased:
    head, _, body = value.partition(b" ")
    deliveries, _, kind = head.partition(b":")
    if not (deliveries.isdigit() and len(deliveries) < 10):
        # It is forged: the whole of it is the body, which nobody can decode.
        deliveries, kind, body = b"0", b"", value
    key = MessageKey(keys.organization_id(owner), text(message_id))
    return Leased(key, group, body, int(deliveries), stamp, text(kind))


def control_text(control: Control) -> str:
    """As limits.lua reads it; zero stands for none."""
    if control == Control():
        return ""
    return (
        f"{float(control.weight)!r} {control.is_paused:d} {control.limit or 0} "
        f"{float(control.rate or 0)!r} {control.burst or 0}"
    )


def control(text: bytes) -> Control:
    """One that cannot be read was forged, and counts as none, as in limits.lua."""
    try:
        weight, paused, limit, rate, burst = text.split()
        return Control(
            weight=float(weight),
            is_paused=paused == b"1",
            limit=int(limit) or None,
            rate=float(rate) or None,
            burst=int(burst) or None,
        )
    except ValueError:
        return Control()


def member(key: MessageKey) -> bytes:
    # Ids are UUIDs, but what was forged into Redis must be settled too, whatever its bytes are.
    return f"{keys.owner(key.organization_id)} {key.message_id}".encode(errors="surrogateescape")


def text(message_id: bytes) -> str:
    return message_id.decode(errors="surrogateescape")


def us(duration: timedelta) -> int:
    return (duration.days * 86_400 + duration.seconds) * 1_000_000 + duration.microseconds


def ran(duration: timedelta | None) -> Argument:
    return "" if duration is None else us(duration)


def duration(us: int) -> timedelta | None:
    return None if us < 0 else timedelta(microseconds=us)
