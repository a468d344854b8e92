"""What an operator does to a queue from its page: how the page asks, and what it then says."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from unfold.enums import ActionVariant
from unfold.widgets import (
    UnfoldAdminDecimalFieldWidget,
    UnfoldAdminIntegerFieldWidget,
)

from jobs import control
from jobs.control.queues import LEAST_RATE, MOST
from jobs.ledger.controls import LEAST_WEIGHT, MOST_WEIGHT, QueueControl
from tenancy import clock
from tenancy.admin.confirm import Question, ReasonForm

Changed = list[QueueControl]
MOST_MINUTES = 60 * 24 * 365


def whole_number(meaning: str, *, label: str, most: int, help_text: str) -> forms.IntegerField:
    """A field of a number that may be left out; what is wrong is said with what it means."""
    wrong = f"{meaning}: a whole number from 1 to {most:,}, or empty."
    return forms.IntegerField(
        label=label,
        required=False,
        min_value=1,
        max_value=most,
        widget=UnfoldAdminIntegerFieldWidget(),
        help_text=help_text,
        error_messages=dict.fromkeys(("invalid", "min_value", "max_value"), wrong),
    )


def number(
    meaning: str, *, label: str, least: float, most: float, help_text: str, required: bool
) -> forms.FloatField:
    """The same for a number with a fraction."""
    wrong = f"{meaning}: a number from {least:g} to {most:,.0f}{'' if required else ', or empty'}."
    return forms.FloatField(
        label=label,
        required=required,
        min_value=least,
        max_value=most,
        widget=UnfoldAdminDecimalFieldWidget(attrs={"step": "any"}),
        help_text=help_text,
        error_messages=dict.fromkeys(("required", "invalid", "min_value", "max_value"), wrong),
    )


class PauseForm(ReasonForm):
    """Why, and for how long."""

    minutes = whole_number(
        "After how many minutes it resumes",
        label="Minutes",
        most=MOST_MINUTES,
        help_text="It resumes by itself after so many. Empty: until somebody resumes it.",
    )


class LimitsForm(ReasonForm):
    """Why, and what the queue may take. Empty: no limit."""

    weight = number(
        "How many times the worker time of the others it gets",
        label="Weight",
        least=LEAST_WEIGHT,
        most=MOST_WEIGHT,
        help_text="Its share of worker time when others wait too; theirs is 1.",
        required=True,
    )
    concurrency_limit = whole_number(
        "How many of its jobs may be with workers at once",
        label="At once",
        most=MOST,
        help_text="How many of its jobs may be with workers at once.",
    )
    rate_per_second = number(
        "How many of its jobs may start in a second",
        label="Starts a second",
        least=LEAST_RATE,
        most=MOST,
        help_text="0.1 is six a minute.",
        required=False,
    )
    burst = whole_number(
        "How many may start at once after a rest",
        label="Starts saved up",
        most=MOST,
        help_text="How many may start at once after a rest. Empty: as many as a second brings.",
    )
    capacity = whole_number(
        "How many may wait in line",
        label="Waiting",
        most=MOST,
        help_text="How many may wait in line. Beyond it, new jobs are held or refused.",
    )
    field_order = ["weight", "concurrency_limit", "rate_per_second", "burst", "capacity", "reason"]

    def clean(self) -> dict[str, Any]:
        """A burst is of a rate."""
        given: dict[str, Any] = super().clean() or {}
        if given.get("burst") and not given.get("rate_per_second"):
            raise ValidationError({"burst": "Without a rate this limits nothing: give it too."})
        return given


@dataclass(frozen=True, kw_only=True)
class Deed:
    """One of them.

    route: its address below the queue's. verb, past: "Pause", "Paused". button: what its button
    says, where that is not the verb. follows: what the page says will happen. form: what it asks.
    perform: does it to one group, or to all where that is None. offered: whether a queue as it
    stands has the button.
    """

    route: str
    verb: str
    past: str
    icon: str
    follows: str
    perform: Callable[[int, str | None, dict[str, Any]], Changed]
    offered: Callable[[QueueControl | None], bool]
    form: type[ReasonForm] = ReasonForm
    danger: bool = False
    button: str = ""

    @property
    def variant(self) -> ActionVariant:
        """The colour of its button."""
        return ActionVariant.DANGER if self.danger else ActionVariant.PRIMARY

    def question(self, queue: str, *, back: str) -> Question:
        """What the page asks."""
        return Question(
            title=f"{self.verb} {queue}?",
            button=self.button or self.verb,
            sentences=[self.follows],
            danger=self.danger,
            back=back,
        )

    def said(self, queue: str, changed: Changed) -> str:
        """What was done."""
        if not changed:
            return f"Nothing to change: that is how it is already for {queue}."
        groups = ", ".join(one.queue_group for one in changed)
        return f"{self.past} {queue}: {groups}."


def _pause(organization_id: int, group: str | None, given: dict[str, Any]) -> Changed:
    minutes = given["minutes"]
    until = clock.now() + timedelta(minutes=minutes) if minutes else None
    return control.pause(organization_id, group, until=until, reason=given["reason"])


def _limits(organization_id: int, group: str | None, given: dict[str, Any]) -> Changed:
    """Each number that differs, by itself: the log then says what was changed."""
    of, reason = (organization_id, group), given["reason"]
    per_second, burst = given["rate_per_second"], given["burst"]
    changed = [
        *control.weight(*of, share=given["weight"], reason=reason),
        *control.limit(*of, concurrency=given["concurrency_limit"], reason=reason),
        *control.rate(*of, per_second=per_second, burst=burst, reason=reason),
        *control.capacity(*of, waiting=given["capacity"], reason=reason),
    ]
    return list({one.queue_group: one for one in changed}.values())


PAUSE = Deed(
    route="pause",
    verb="Pause",
    past="Paused",
    icon="pause",
    follows="Nothing of it starts any more, from this moment on. What runs goes on, and new jobs "
    "stand in line until it is resumed.",
    perform=_pause,
    offered=lambda control: control is None or not control.is_paused,
    form=PauseForm,
    danger=True,
)
DRAIN = Deed(
    route="drain",
    verb="Drain",
    past="Drained",
    icon="water_drop",
    follows="What waits runs, and new jobs are held in the ledger until it is resumed. None is "
    "lost.",
    perform=lambda of, group, given: control.drain(of, group, reason=given["reason"]),
    offered=lambda control: control is None or not control.is_draining,
    danger=True,
)
RESUME = Deed(
    route="resume",
    verb="Resume",
    past="Resumed",
    icon="play_arrow",
    follows="It runs what waits and takes new jobs again; those that are held go on.",
    perform=lambda of, group, given: control.resume(of, group, reason=given["reason"]),
    offered=lambda control: control is not None and (control.is_paused or control.is_draining),
)
LIMITS = Deed(
    route="limits",
    verb="Change the limits of",
    button="Change limits",
    past="Set the limits of",
    icon="tune",
    follows="What it may take from now on. An empty field is no limit.",
    perform=_limits,
    offered=lambda control: True,
    form=LimitsForm,
)
DEEDS = {one.route: one for one in (PAUSE, DRAIN, RESUME, LIMITS)}
