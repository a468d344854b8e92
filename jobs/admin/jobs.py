"""The list of jobs, and the page that tells one job's life."""

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar

from django.conf import settings
from django.contrib import admin
from django.db.models import Count, QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse

from audit.models import AuditEvent
from jobs.admin import story
from jobs.admin.acts import ACTS, CANCEL, DISCARD, RESTORE, RETRY, Act
from jobs.admin.base import (
    BY_GROUP,
    BY_REASON,
    BY_TYPE,
    STATE_LABELS,
    LedgerAdmin,
    first_line,
    is_uuid,
)
from jobs.admin.sending import Sending
from jobs.admin.waiting import Waiting
from jobs.cancels import cancel_of
from jobs.errors import UnknownJobType
from jobs.job_types import JobType, registry
from jobs.ledger.models import DeadLetterState
from jobs.ledger.states import WAITING, State
from jobs.models import Attempt, DeadLetter, Job
from tenancy import clock
from tenancy.access import Permission, may
from tenancy.acting import Actor
from tenancy.admin.base import BY_ORGANIZATION, Button
from tenancy.admin.columns import column
from tenancy.admin.filters import chosen, window
from tenancy.admin.names import names_of
from tenancy.admin.rights import rights_of
from tenancy.admin.things import thing_of, things_of
from tenancy.admin.times import ago, span

SIBLINGS = 50
LIVE = (*WAITING, State.RUNNING)
UNFINISHED = tuple(state for state in State if state != State.SUCCEEDED)


def state_choices() -> list[tuple[str, str]]:
    """Each state, and the two sets that people ask for."""
    sets = [("not_succeeded", "Not succeeded"), ("live", "Live")]
    return [*sets, *[(state.value, state.label) for state in State]]


@admin.register(Job)
class JobAdmin(LedgerAdmin):
    """Jobs, newest first; at first those of the last day that did not succeed."""

    icon, rank = "work", 10
    acts = ACTS
    routes: ClassVar = {act.route: f"{act.route}_view" for act in ACTS}

    list_display = ("type", "shown_state", "error", "attempts", "created", "due", "queue_group")
    list_filter = (
        BY_ORGANIZATION,
        chosen(
            "state",
            "state",
            state_choices,
            aliases={"not_succeeded": UNFINISHED, "live": LIVE},
            default="not_succeeded",
        ),
        window("created_at"),
        BY_TYPE,
        BY_GROUP,
        BY_REASON,
    )
    search_fields = ("pk",)
    search_help_text = "A job id or correlation id, in full"

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Job], search_term: str
    ) -> tuple[QuerySet[Job], bool]:
        """The job of this id, or else those of this correlation id."""
        term = search_term.strip()
        if not term:
            return queryset, False
        if is_uuid(term) and (one := queryset.filter(pk=term)).exists():
            return one, False
        return queryset.filter(correlation_id=term), False

    @column("job type")
    def type(self, job: Job) -> str:
        """The job type."""
        return job.job_type

    @column("state", labels=STATE_LABELS)
    def shown_state(self, job: Job) -> str:
        """The state, as a label with its word."""
        return State(job.state).label

    def error(self, job: Job) -> str:
        """Class and first line of the last error."""
        first = first_line(job.error_message)
        return f"{job.error_class}: {first}" if job.error_class else ""

    def attempts(self, job: Job) -> str:
        """Attempts so far, of how many."""
        return f"{job.attempt} / {job.max_attempts}"

    def created(self, job: Job) -> str:
        """Since when it exists."""
        return ago(job.created_at)

    @column("due")
    def due(self, job: Job) -> str:
        """Since or until when, while it waits."""
        return ago(job.run_at) if job.state in WAITING else "–"

    # -- one job ------------------------------------------------------------------------------

    def buttons(self, request: HttpRequest, obj: Job) -> list[Button]:
        """What is legal in this state."""
        if not self.has_manage_permission(request, obj):
            return []
        return [act.button for act in self.acts if act.legal(obj)]

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """One job's life."""
        job = self.get_object(request, object_id)
        self.note_the_look(request, job)
        now = clock.now()
        attempts = Attempt.of(job)
        letters = list(DeadLetter.objects.filter(organization_id=job.organization_id, job=job))
        replays = [
            one.handled_at
            for one in letters
            if one.state == DeadLetterState.REPLAYED and one.handled_at is not None
        ]
        context = {
            **self.admin_site.each_context(request),
            "title": job.job_type,
            "subtitle": str(job.pk),
            "opts": self.opts,
            "original": job,
            "actions_detail": [
                one.shown(self.address(job, one.route)) for one in self.buttons(request, job)
            ],
            "is_operator": rights_of(request).is_operator,
            "sentence": story.sentence(job, attempts, now, replays),
            "waiting": Waiting.of(request, job),
            "timeline": story.timeline(job, attempts, now, replays),
            "attempts": attempts_told(attempts, replays),
            "replays": len(replays),
            "payload": json.dumps(job.payload, indent=2, ensure_ascii=False),
            "declared": declaration(job),
            "actor_name": names_of([job.actor_id]).get(job.actor_id, job.actor_id),
            "family": Family.of(job),
            "sending": Sending.of(request, job),
            "about": thing_of(request, job.entity_type, job.entity_id),
            "letters": letters,
            "cancel": cancel_of(job.organization_id, job.pk),
            "events": self._audit_trail(request, job),
        }
        return TemplateResponse(request, "admin/jobs/job.html", context)

    def retry_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Run a dead job again."""
        return self._act(request, object_id, RETRY)

    def discard_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Give a dead job up."""
        return self._act(request, object_id, DISCARD)

    def restore_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Take a discarded job back."""
        return self._act(request, object_id, RESTORE)

    def cancel_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Keep a waiting job from starting."""
        return self._act(request, object_id, CANCEL)

    def _act(self, request: HttpRequest, object_id: str, act: Act) -> HttpResponse:
        job = self.get_object(request, object_id)
        return self.act(request, job, act, [job.pk])

    def _audit_trail(self, request: HttpRequest, job: Job) -> list[AuditEvent]:
        if not rights_of(request).may(Permission.AUDIT_VIEW, job):
            return []
        events = AuditEvent.objects.filter(
            organization_id=job.organization_id, correlation_id=job.correlation_id
        )
        about = AuditEvent.objects.filter(
            organization_id=job.organization_id, target_type="job", target_id=str(job.pk)
        )
        found = {event.pk: event for event in [*events[:SIBLINGS], *about[:SIBLINGS]]}
        shown = sorted(found.values(), key=lambda event: str(event.pk))
        names = names_of(event.actor or "" for event in shown)
        targets = {event.pk: (event.target_type or "", event.target_id or "") for event in shown}
        things = things_of(request, targets.values())
        for event in shown:
            event.thing = things.get(targets[event.pk])  # type: ignore[attr-defined]
            event.actor_name = names.get(event.actor or "", event.actor)  # type: ignore[attr-defined]
        return shown


@dataclass(frozen=True, kw_only=True)
class Family:
    """The jobs that one request or event caused: by state, and the first of them.

    parent: the job that enqueued this one. total: all jobs of the correlation id.
    """

    total: int
    by_state: dict[str, int]
    jobs: list[Job]
    parent: Job | None

    @classmethod
    def of(cls, job: Job) -> "Family":
        """By the correlation id, through its index."""
        mine = Job.objects.filter(organization_id=job.organization_id)
        related = mine.filter(correlation_id=job.correlation_id)
        counts = Counter(dict(related.order_by().values_list("state").annotate(number=Count("pk"))))
        return cls(
            total=counts.total(),
            by_state={State(state).label: number for state, number in sorted(counts.items())},
            jobs=_with_names(list(related.order_by("pk")[:SIBLINGS])),
            parent=mine.filter(pk=job.caused_by).first() if job.caused_by else None,
        )


def _with_names(jobs: list[Job]) -> list[Job]:
    names = names_of(one.actor_id for one in jobs)
    for one in jobs:
        one.actor_name = names.get(one.actor_id, one.actor_id)  # type: ignore[attr-defined]
    return jobs


def attempts_told(attempts: Sequence[Attempt], replays: Sequence[datetime]) -> list[dict[str, Any]]:
    """Each attempt with what set it apart from the one before."""
    told = []
    for before, attempt in zip([None, *attempts], attempts, strict=False):
        same = before is not None and bool(attempt.traceback_digest)
        same = same and before.traceback_digest == attempt.traceback_digest  # type: ignore[union-attr]
        length = span(attempt.ended_at - attempt.started_at) if attempt.ended_at else ""
        anew = story.begins_anew(attempt, before, replays)
        told.append({"row": attempt, "length": length, "same": same, "anew": anew})
    return told


def declaration(job: Job) -> dict[str, Any]:
    """The policy under which it is tried, and whether its actor may still ask for it."""
    try:
        declared: JobType[Any] = registry.get(job.job_type)
    except UnknownJobType:
        return {"unknown": True}
    policy = declared.policy
    try:
        allowed = may(Actor.parse(job.actor_id), declared.permission, job.organization_id)
    except ValueError:
        allowed = False
    return {
        "policy": policy,
        "waits": [span(delay) for delay in policy.delays],
        "base": span(policy.backoff_base),
        "cap": span(policy.backoff_cap),
        "scale": settings.JOBS_RETRY_SCALE,
        "time_limit": span(policy.time_limit),
        "changed": policy.version != job.policy_version,
        "permission": declared.permission.value,
        "allowed": allowed,
    }
