"""How an alert comes and goes: pending → open → closed. Pure.

    pending  the condition holds, but not for long enough; forgotten when it does not any more
    open     it held for its minimum; stays open until it has not held for five minutes
    closed   history; what comes again is a new alert

As Prometheus does it with `for` and `keep_firing_for`: the first minute counts as 0.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from django.db.models import TextChoices

from jobs.alerts.conditions import CONDITIONS, Condition, Subject

QUIET_MINUTES = 5

MOST_FOLLOWED = 100
"""Live alerts of one kind. When everybody is in trouble, the cause is another alert's."""


class AlertState(TextChoices):
    """Where an alert is in its life."""

    PENDING = "pending"
    OPEN = "open"
    CLOSED = "closed"


@dataclass(frozen=True, kw_only=True)
class Step:
    """Where an alert is: pending or open for so many minutes that it held, or for so many that it
    did not; `is_quiet` says which.
    """

    state: AlertState
    minutes: int = 0
    is_quiet: bool = False


_FOR = {condition.kind: condition.for_minutes for condition in CONDITIONS}


def follow(
    live: Mapping[Subject, Step],
    found: Mapping[Subject, float],
    conditions: Collection[Condition] = CONDITIONS,
) -> dict[Subject, Step | None]:
    """The next step of each subject; None: it is not followed any more.

    Subjects of other `conditions` than those that were judged stay where they are.
    """
    kinds = {condition.kind for condition in conditions}
    steps = {
        subject: advance(step, subject in found, for_minutes=_FOR[subject.kind])
        for subject, step in live.items()
        if subject.kind in kinds
    }
    room = {kind: MOST_FOLLOWED - sum(one.kind == kind for one in live) for kind in kinds}
    for subject in sorted(found, key=lambda one: -found[one]):
        if subject not in live and room[subject.kind] > 0:
            room[subject.kind] -= 1
            steps[subject] = advance(None, holds=True, for_minutes=_FOR[subject.kind])
    return steps


def advance(was: Step | None, holds: bool, *, for_minutes: int) -> Step | None:
    """One minute further."""
    if was is not None and was.state == AlertState.OPEN:
        if holds:
            return Step(state=AlertState.OPEN)
        quiet = was.minutes + 1 if was.is_quiet else 0
        state = AlertState.CLOSED if quiet >= QUIET_MINUTES else AlertState.OPEN
        return Step(state=state, minutes=quiet, is_quiet=True)
    if not holds:
        return None
    held = 0 if was is None else was.minutes + 1
    if held >= for_minutes:
        return Step(state=AlertState.OPEN)
    return Step(state=AlertState.PENDING, minutes=held)
