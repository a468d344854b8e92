"""Organizations: operators see all of them, members their own."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from unfold.enums import ActionVariant

from tenancy import changes
from tenancy.access import Permission
from tenancy.acting import because
from tenancy.admin.base import Button, TenantAdmin
from tenancy.admin.columns import column
from tenancy.admin.confirm import Question, ask, done
from tenancy.admin.rights import rights_of
from tenancy.models import Organization, OrganizationState


@admin.register(Organization)
class OrganizationAdmin(TenantAdmin):
    """An organization: its name and place, and whether its work may run."""

    section, icon, rank = "Administration", "apartment", 10
    view_permission = Permission.ORGANIZATION_VIEW
    add_permission = change_permission = Permission.ORGANIZATION_MANAGE
    routes = {"suspend": "suspend_view", "resume": "resume_view", "queues": "queues_view"}

    list_display = ("name", "slug", "shown_state", "time_zone", "locale", "created_at")
    list_filter = ("state",)
    list_select_related = ()
    search_fields = ("name__istartswith", "slug__istartswith")
    search_help_text = "Beginning of the name or slug"
    fields = ("name", "slug", "state", "time_zone", "locale", *Organization.limits, "created_at")

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Only the site makes organizations."""
        return rights_of(request).is_operator

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """The state has buttons of its own, which ask for a reason.

        The slug is one for the whole site, so only the site gives it: whoever could choose it could
        find out which others there are. The limits are what the site sells.
        """
        fixed = () if rights_of(request).is_operator else ("slug", *Organization.limits)
        return ("state", "created_at", *fixed)

    @column("state", labels={"Active": "success", "Suspended": "danger"})
    def shown_state(self, organization: Organization) -> str:
        """The state, as a label."""
        return organization.get_state_display()

    def buttons(self, request: HttpRequest, obj: Organization) -> list[Button]:
        """Suspend or resume, whichever is possible, for operators."""
        if not rights_of(request).is_operator:
            return []
        queues = Button(title="Queues", route="queues", icon="traffic")
        if obj.is_active:
            danger = ActionVariant.DANGER
            return [queues, Button(title="Suspend", route="suspend", icon="pause", variant=danger)]
        return [queues, Button(title="Resume", route="resume", icon="play_arrow")]

    def queues_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Its queues, which operators pause and limit."""
        organization = self.get_object(request, object_id)
        self.require(request, self.has_add_permission(request))
        address = reverse("admin:jobs_queuecontrol_changelist")
        return HttpResponseRedirect(f"{address}?organization={organization.pk}")

    def suspend_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Stop the organization's work."""
        question = Question(
            title="Suspend this organization?",
            button="Suspend",
            sentences=[
                "None of its jobs starts from now on: they are held, and run when it is resumed.",
                "Its members can still sign in and read, and change nothing.",
            ],
            danger=True,
        )
        return self._move(request, object_id, OrganizationState.SUSPENDED, question)

    def resume_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Let it work again."""
        question = Question(
            title="Resume this organization?",
            button="Resume",
            sentences=["Its held jobs go on, and its members can change things again."],
        )
        return self._move(request, object_id, OrganizationState.ACTIVE, question)

    def _move(
        self, request: HttpRequest, object_id: str, state: OrganizationState, question: Question
    ) -> HttpResponse:
        organization = self.get_object(request, object_id)
        self.require(request, self.has_add_permission(request))
        answer = ask(request, self, question)
        if isinstance(answer, HttpResponse):
            return answer
        with because(answer):
            changes.update(organization, state=state)
        return done(
            request, f"{organization} is {state.label.lower()}.", self.address(organization)
        )
