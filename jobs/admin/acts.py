"""What a person may do to jobs, in which state, and how the page asks and answers."""

import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from unfold.enums import ActionVariant

from jobs import control, deadletters
from jobs.deadletters import Outcome
from jobs.ledger.states import WAITING, State
from jobs.ledger.transitions import RESTORE_WINDOW
from jobs.models import Job
from tenancy import clock
from tenancy.admin.base import Button
from tenancy.admin.confirm import Question


@dataclass(frozen=True, kw_only=True)
class Act:
    """One of them.

    verb, past: "Retry", "Retried". perform: does it. legal: whether this job's state allows it.
    follows: what the page says will happen. replays: whether effects may be repeated.
    """

    verb: str
    past: str
    icon: str
    follows: str
    perform: Callable[..., Outcome]
    legal: Callable[[Job], bool]
    replays: bool = False
    danger: bool = False

    @property
    def route(self) -> str:
        """Its address below the job's."""
        return self.verb.lower()

    @property
    def button(self) -> Button:
        """The link to it."""
        variant = ActionVariant.DANGER if self.danger else ActionVariant.PRIMARY
        return Button(title=self.verb, route=self.route, icon=self.icon, variant=variant)

    def question(
        self, job_ids: Sequence[uuid.UUID], *, back: str, of: int | None = None
    ) -> Question:
        """What the page asks; for a replay with the counts of what it may repeat outside.

        of: how many were selected, where some of them name no job.
        """
        count = len(job_ids)
        jobs = "this job" if count == 1 and of is None else f"{count:,} jobs"
        sentences = [self.follows]
        if of is not None and of > count:
            sentences.append(f"{of - count:,} of the {of:,} selected name no job.")
        return Question(
            title=f"{self.verb} {jobs}?",
            button=f"{self.verb} {jobs}",
            sentences=sentences,
            counts=replay_safety(job_ids) if self.replays else None,
            danger=self.danger,
            back=back,
        )

    def run(self, job_ids: Sequence[uuid.UUID], reason: str) -> str:
        """Do it; answers with a sentence about what was done, and what was left and why."""
        safety = replay_safety(job_ids) if self.replays else {}
        said = self.perform(job_ids, reason=reason).describe(self.past)
        if not safety:
            return said
        counted = "; ".join(f"{what}: {count:,}" for what, count in safety.items() if count)
        return f"{said} Their outside effects before: {counted}." if counted else said


def replay_safety(job_ids: Sequence[uuid.UUID]) -> dict[str, int]:
    """How far the outside effects got, in the words of the pages."""
    safety = deadletters.safety(job_ids)
    return {
        "not begun (safe)": safety.not_begun,
        "begun, outcome unknown (may repeat, under the same effect id)": safety.begun,
        "confirmed (not repeated)": safety.confirmed,
    }


def _restorable(job: Job) -> bool:
    return (
        job.state == State.CANCELLED
        and job.reason == "discarded"
        and job.finished_at is not None
        and job.finished_at > clock.now() - RESTORE_WINDOW
    )


RETRY = Act(
    verb="Retry",
    past="Retried",
    icon="replay",
    follows="It runs again, with all its attempts anew.",
    perform=deadletters.retry,
    legal=lambda job: job.state == State.DEAD,
    replays=True,
)
DISCARD = Act(
    verb="Discard",
    past="Discarded",
    icon="delete",
    follows="It will not run. For 24 hours it can be restored.",
    perform=deadletters.discard,
    legal=lambda job: job.state == State.DEAD,
    danger=True,
)
RESTORE = Act(
    verb="Restore",
    past="Restored",
    icon="undo",
    follows="It is a dead letter again, to be retried or discarded.",
    perform=deadletters.restore,
    legal=_restorable,
)
CANCEL = Act(
    verb="Cancel",
    past="Cancelled",
    icon="cancel",
    follows="If it has not started, it never will; if it runs, it is asked to end.",
    perform=control.cancel,
    legal=lambda job: (
        job.state in WAITING or (job.state == State.RUNNING and job.cancel_requested_at is None)
    ),
    danger=True,
)
ACTS = (RETRY, DISCARD, RESTORE, CANCEL)
