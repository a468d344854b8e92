"""Worker processes: which are alive, and what each runs now. Operators only."""

from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.contrib import admin
from django.contrib.admin.utils import unquote
from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse

from jobs.ledger.states import State
from jobs.models import Attempt, Job, Worker
from tenancy import clock
from tenancy.admin.base import OperatorsOnly
from tenancy.admin.columns import column
from tenancy.admin.lists import ListAdmin
from tenancy.admin.times import ago

STATES = {"Alive": "success", "Lost": "danger", "Stopped": None}


@admin.register(Worker)
class WorkerAdmin(OperatorsOnly, ListAdmin):
    """One line per worker process, the lost ones included."""

    section, icon, rank = "Jobs", "memory", 30

    list_display = ("id", "shown_state", "host", "pid", "groups", "version", "started", "seen")

    @column("state", labels=STATES)
    def shown_state(self, worker: Worker) -> str:
        """Alive while it was seen within the lease."""
        return state_of(worker, clock.now())

    def groups(self, worker: Worker) -> str:
        """The queue groups it serves."""
        return ", ".join(worker.queue_groups)

    def started(self, worker: Worker) -> str:
        """Since when it runs."""
        return ago(worker.started_at)

    @column("last seen")
    def seen(self, worker: Worker) -> str:
        """Its last sign of life."""
        return ago(worker.seen_at)

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """One worker, with the jobs in its hands and those that were lost with it."""
        worker = self.get_object(request, unquote(object_id))
        if worker is None or not self.has_view_permission(request):
            raise Http404
        context = {
            **self.admin_site.each_context(request),
            "title": worker.pk,
            "opts": self.opts,
            "original": worker,
            "state": state_of(worker, clock.now()),
            "running": Job.objects.filter(worker_id=worker.pk, state=State.RUNNING)[:50],
            "lost": Attempt.objects.filter(worker_id=worker.pk, outcome="lost").select_related(
                "job"
            )[:50],
        }
        return TemplateResponse(request, "admin/jobs/worker.html", context)


def state_of(worker: Worker, now: datetime) -> str:
    """Alive, lost or stopped."""
    if worker.stopped_at is not None:
        return "Stopped"
    lease = timedelta(seconds=settings.JOBS_LEASE_SECONDS)
    return "Alive" if worker.seen_at > now - lease else "Lost"
