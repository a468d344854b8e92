"""The audit log, to read: a list, and a page per event with what it changed."""

import json
from dataclasses import dataclass
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse

from audit.models import AuditEvent
from audit.sealing.proofs import inclusion
from tenancy.access import Permission
from tenancy.admin.base import BY_ORGANIZATION, TenantAdmin
from tenancy.admin.columns import column
from tenancy.admin.filters import chosen, exactly, window
from tenancy.admin.names import names_of
from tenancy.admin.things import Thing, things_of

OUTCOMES = {"success": "success", "denied": "danger", "failed": "warning"}


@dataclass(frozen=True, kw_only=True)
class Difference:
    """One field that an event changed. personal: about a person, kept apart in the log."""

    field: str
    before: Any
    after: Any
    personal: bool


@admin.register(AuditEvent)
class AuditEventAdmin(TenantAdmin):
    """Who did what to what. Nothing here can be changed, by anybody."""

    section, icon, rank = "Administration", "history", 20
    view_permission = Permission.AUDIT_VIEW

    list_display = ("what", "recorded_at", "who", "target", "shown_outcome", "why")
    list_filter = (
        BY_ORGANIZATION,
        window("recorded_at", default="all"),
        exactly("action", "action"),
        exactly("actor", "actor, such as user:7"),
        exactly("target_type", "kind of target"),
        exactly("target_id", "id of target"),
        exactly("correlation_id", "correlation id"),
        chosen("outcome", "outcome", lambda: [(one, one.capitalize()) for one in OUTCOMES]),
    )
    # Not joined: the log of an organization that is gone is still there to read.
    list_select_related = False

    def get_queryset(self, request: HttpRequest) -> QuerySet[AuditEvent]:
        """The events of the organizations whose log the person may read."""
        return super().get_queryset(request).prefetch_related("organization")

    def prepare(self, request: HttpRequest, rows: list[AuditEvent]) -> None:
        """Name the actors and what they did something to."""
        names = names_of(one.actor or "" for one in rows)
        things = things_of(request, [_target(one) for one in rows])
        for one in rows:
            one.actor_name = names.get(one.actor or "", one.actor)  # type: ignore[attr-defined]
            one.thing = things.get(_target(one))  # type: ignore[attr-defined]

    @column("action")
    def what(self, event: AuditEvent) -> str:
        """What was done, or tried."""
        return event.action or ""

    @column("actor")
    def who(self, event: AuditEvent) -> str:
        """Who did it."""
        return event.actor_name  # type: ignore[attr-defined,no-any-return]

    def target(self, event: AuditEvent) -> str:
        """What it was done to, leading there; of a page that is not there, the path."""
        thing: Thing | None = event.thing  # type: ignore[attr-defined]
        if thing is not None:
            return thing.link
        if event.target_type == "route":
            return str(json.loads(event.event)["detail"].get("path", event.target_id))
        return f"{event.target_type} {event.target_id}"

    @column("outcome", labels=OUTCOMES)
    def shown_outcome(self, event: AuditEvent) -> str:
        """Whether it worked."""
        return event.outcome or ""

    @column("reason")
    def why(self, event: AuditEvent) -> str:
        """The reason that was given, if one was asked for."""
        return str(json.loads(event.event)["detail"].get("reason", ""))

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """One event."""
        event = self.get_object(request, object_id)
        self.prepare(request, [event])
        content = json.loads(event.event)
        seal = inclusion(event)
        context = {
            **self.admin_site.each_context(request),
            "title": event.action,
            "opts": self.opts,
            "original": event,
            "content": content,
            "differences": differences(event),
            "raw": json.dumps(content, indent=2, ensure_ascii=False),
            "seal": seal,
            "proof": json.dumps(seal.as_dict(), indent=2, ensure_ascii=False),
        }
        return TemplateResponse(request, "admin/audit/event.html", context)


def _target(event: AuditEvent) -> tuple[str, str]:
    return event.target_type or "", event.target_id or ""


def differences(event: AuditEvent) -> list[Difference]:
    """The fields that an event changed, with what each held before and after."""
    plain = json.loads(event.event)["changes"]
    personal = json.loads(event.personal or "{}")
    return [
        Difference(field=name, before=one["before"], after=one["after"], personal=about_a_person)
        for fields, about_a_person in ((plain, False), (personal, True))
        for name, one in sorted(fields.items())
    ]
