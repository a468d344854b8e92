"""What is set on a queue, in words: the same in commands and pages."""

from datetime import UTC

from jobs.ledger.controls import QueueControl


def state_of(control: QueueControl | None) -> str:
    """`open`, `paused`, `draining`, or `paused and draining`."""
    if control is None:
        return "open"
    set_ = ["paused"] * control.is_paused + ["draining"] * control.is_draining
    return " and ".join(set_) or "open"


def in_words(control: QueueControl | None) -> list[str]:
    """All that differs from a queue of which nobody set anything; empty where nothing does."""
    if control is None:
        return []
    paused = "paused"
    if control.paused_until:
        paused = f"paused until {control.paused_until.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"
    words = {
        paused: control.is_paused,
        "draining": control.is_draining,
        f"weight {control.weight:g}": control.weight != 1,
        f"at most {control.concurrency_limit or 0:,} at once": control.concurrency_limit,
        rate_in_words(control): control.rate_per_second,
        f"at most {control.capacity or 0:,} waiting": control.capacity,
    }
    return [text for text, holds in words.items() if holds]


def rate_in_words(control: QueueControl) -> str:
    """`2 a second`, with the burst where one was given."""
    burst = f" ({control.burst:,} at once)" if control.burst else ""
    return f"{control.rate_per_second or 0:g} a second{burst}"
