"""What the pages of jobs and dead letters share."""

import uuid
from collections.abc import Iterable
from datetime import timedelta
from textwrap import shorten
from typing import Any, ClassVar

from django.http import HttpRequest, HttpResponse

from jobs.admin.acts import Act
from jobs.admin.story import REASONS
from jobs.job_types import GROUPS, registry
from jobs.templatetags.jobs_admin import in_words
from tenancy.access import Permission
from tenancy.admin.base import TenantAdmin
from tenancy.admin.confirm import ask, done
from tenancy.admin.filters import chosen
from tenancy.admin.rights import rights_of
from tenancy.scope import operator_scope

ERROR_CHARACTERS = 120

STATE_LABELS = {
    "Scheduled": "info",
    "Queued": "info",
    "Running": "primary",
    "Retrying": "warning",
    "Succeeded": "success",
    "Dead": "danger",
    "Cancelled": None,
}


def first_line(error: str) -> str:
    """Of an error, as far as a column of a list has room, ending with a whole word."""
    return shorten(error.partition("\n")[0], ERROR_CHARACTERS, placeholder=" …")


def is_uuid(text: str) -> bool:
    """Whether somebody may have typed an id."""
    try:
        uuid.UUID(text)
    except ValueError:
        return False
    return True


def job_types() -> list[tuple[str, str]]:
    """The job types that are declared."""
    return sorted((one.name, one.name) for one in registry)


BY_GROUP = chosen("group", "group", lambda: [(one, one) for one in GROUPS], field="queue_group")
BY_TYPE = chosen("type", "job type", job_types, field="job_type")
BY_REASON = chosen("reason", "reason", lambda: [(one, in_words(one)) for one in REASONS])


class LedgerAdmin(TenantAdmin):
    """A page of the ledger: read, and changed by nothing but the acts of `acts`."""

    section = "Jobs"
    view_permission = Permission.JOB_VIEW
    acts: ClassVar[tuple[Act, ...]] = ()

    def has_manage_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Whether the person may act on this job, or on any."""
        return rights_of(request).may(Permission.JOB_MANAGE, obj)

    def note_the_look(self, request: HttpRequest, row: Any) -> None:
        """An operator who reads one organization's payload leaves an entry in its own log."""
        if rights_of(request).is_operator and row.organization_id is not None:
            reason = f"{request.method} {request.path}"
            with operator_scope(reason, row.organization_id, quiet_for=timedelta(minutes=10)):
                pass

    def act(
        self, request: HttpRequest, row: Any, act: Act, job_ids: Iterable[uuid.UUID]
    ) -> HttpResponse:
        """Ask for a reason, do it, and say what was done."""
        self.require(request, self.has_manage_permission(request, row))
        ids = list(job_ids)
        answer = ask(request, self, act.question(ids, back=self.address(row)))
        if isinstance(answer, HttpResponse):
            return answer
        return done(request, act.run(ids, answer), self.address(row))
