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


class PauseForm(ReasonForm):
    """Why, and for how long."""

    minutes = forms.IntegerField(
        label="Minutes",
        required=False,
        min_value=1,
        max_value=MOST_MINUTES,
        widget=UnfoldAdminIntegerFieldWidget(),
        help_text="It resumes by itself after so many. Empty: until somebody resumes it.",
    )


class LimitsForm(ReasonForm):
    """Why, and what the queue may take. Empty: no limit."""

    weight = forms.FloatField(
        min_value=LEAST_WEIGHT,
        max_value=MOST_WEIGHT,
        widget=UnfoldAdminDecimalFieldWidget(attrs={"step": "any"}),
        help_text="Its share of worker time when others wait too; theirs is 1.",
    )
    concurrency_limit = forms.IntegerField(
        label="At once",
        required=False,
        min_value=1,
        max_value=MOST,
        widget=UnfoldAdminIntegerFieldWidget(),
        help_text="How many of its jobs may be with workers at once.",
    )
    rate_per_second = forms.FloatField(
        label="Starts a second",
        required=False,
        min_value=LEAST_RATE,
        max_value=MOST,
        widget=UnfoldAdminDecimalFieldWidget(attrs={"step": "any"}),
        help_text="0.1 is six a minute.",
    )
    burst = forms.IntegerField(
        label="Starts saved up",
        required=False,
        min_value=1,
        max_value=MOST,
        widget=UnfoldAdminIntegerFieldWidget(),
        help_text="How many may start at once after a rest. Empty: as many as a second brings.",
    )
    capacity = forms.IntegerField(
        label="Waiting",
        required=False,
        min_value=1,
        max_value=MOST,
        widget=UnfoldAdminIntegerFieldWidget(),
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

    verb, past: "Pause", "Paused". follows: what the page says will happen. form: what it asks.
    perform: does it to one group, or to all where that is None. offered: whether a queue as it
    stands has the button.
    """

    verb: str
    past: str
    icon: str
    follows: str
    perform: Callable[[int, str | None, dict[str, Any]], Changed]
    offered: Callable[[QueueControl | None], bool]
    form: type[ReasonForm] = ReasonForm
    danger: bool = False

    @property
    def route(self) -> str:
        """Its address below the queue's."""
        return self.verb.lower()

    @property
    def variant(self) -> ActionVariant:
        """The colour of its button."""
        return ActionVariant.DANGER if self.danger else ActionVariant.PRIMARY

    def question(self, queue: str, *, back: str) -> Question:
        """What the page asks."""
        return Question(
            title=f"{self.verb} {queue}?",
            button=self.verb,
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
    verb="Resume",
    past="Resumed",
    icon="play_arrow",
    follows="It runs what waits and takes new jobs again; those that are held go on.",
    perform=lambda of, group, given: control.resume(of, group, reason=given["reason"]),
    offered=lambda control: control is not None and (control.is_paused or control.is_draining),
)
LIMITS = Deed(
    verb="Limits",
    past="Set the limits of",
    icon="tune",
    follows="What it may take from now on. An empty field is no limit.",
    perform=_limits,
    offered=lambda control: True,
    form=LimitsForm,
)
DEEDS = {one.route: one for one in (PAUSE, DRAIN, RESUME, LIMITS)}
