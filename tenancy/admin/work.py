"""Projects, missions with their timeline and assignments, and the people who may be assigned."""

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from tenancy.access import Permission
from tenancy.admin.base import BY_ORGANIZATION, TenantAdmin, TenantInline
from tenancy.admin.columns import column
from tenancy.models import Assignment, Collaborator, Mission, Project, TimelineEntry

STATES = {
    "Active": "success",
    "Planned": "info",
    "Invited": "info",
    "Cancelled": "warning",
    "Inactive": "warning",
}


@admin.register(Project)
class ProjectAdmin(TenantAdmin):
    """What an organization works on."""

    section, icon, rank = "Work", "folder", 20
    view_permission = Permission.PROJECT_VIEW
    add_permission = change_permission = delete_permission = Permission.PROJECT_EDIT

    list_display = ("code", "name", "shown_state", "created_at")
    list_filter = (BY_ORGANIZATION, "state")
    search_fields = ("code__istartswith", "name__istartswith")
    search_help_text = "Beginning of the code or name"
    fields = ("code", "name", "state")

    @column("state", labels=STATES)
    def shown_state(self, project: Project) -> str:
        """The state, as a label."""
        return project.get_state_display()


class TimelineInline(TenantInline):
    """A mission's timeline, page by page."""

    model = TimelineEntry
    view_permission = Permission.MISSION_VIEW
    add_permission = change_permission = delete_permission = Permission.MISSION_EDIT
    fields = ("kind", "title", "starts_at", "ends_at", "location")
    per_page = 20
    ordering = ("-starts_at", "-pk")
    tab = True


class AssignmentInline(TenantInline):
    """Who takes part in a mission."""

    model = Assignment
    view_permission = Permission.MISSION_VIEW
    add_permission = change_permission = delete_permission = Permission.MISSION_EDIT
    fields = ("collaborator", "role")
    autocomplete_fields = ("collaborator",)
    per_page = 20
    ordering = ("-pk",)
    tab = True

    def get_queryset(self, request: HttpRequest) -> QuerySet[Assignment]:
        """With the person, whom each line names."""
        return super().get_queryset(request).select_related("collaborator", "mission")


@admin.register(Mission)
class MissionAdmin(TenantAdmin):
    """A piece of work inside a project."""

    section, icon, rank = "Work", "flag", 10
    view_permission = Permission.MISSION_VIEW
    add_permission = change_permission = delete_permission = Permission.MISSION_EDIT

    list_display = ("reference", "title", "project", "shown_state", "starts_at", "ends_at")
    list_filter = (BY_ORGANIZATION, "state")
    list_select_related = ("organization", "project")
    search_fields = ("reference__istartswith", "title__istartswith")
    search_help_text = "Beginning of the reference or title"
    fields = ("project", "reference", "title", "description", "state", "starts_at", "ends_at")
    autocomplete_fields = ("project",)
    inlines = (TimelineInline, AssignmentInline)

    @column("state", labels=STATES)
    def shown_state(self, mission: Mission) -> str:
        """The state, as a label."""
        return mission.get_state_display()


@admin.register(TimelineEntry)
class TimelineEntryAdmin(TenantAdmin):
    """All timeline entries, across missions."""

    section, icon, rank = "Work", "calendar_month", 30
    view_permission = Permission.MISSION_VIEW
    add_permission = change_permission = delete_permission = Permission.MISSION_EDIT

    list_display = ("title", "kind", "mission", "starts_at", "ends_at", "location")
    list_filter = (BY_ORGANIZATION,)
    list_select_related = ("organization", "mission")
    search_fields = ("external_id__exact", "title__istartswith")
    search_help_text = "External id, or beginning of the title"
    fields = (
        "mission",
        "kind",
        "title",
        "starts_at",
        "ends_at",
        "location",
        "notes",
        "external_id",
    )
    autocomplete_fields = ("mission",)


@admin.register(Assignment)
class AssignmentAdmin(TenantAdmin):
    """All assignments, across missions."""

    section, icon, rank = "Work", "assignment_ind", 40
    view_permission = Permission.MISSION_VIEW
    add_permission = change_permission = delete_permission = Permission.MISSION_EDIT

    list_display = ("collaborator", "mission", "role", "created_at")
    list_filter = (BY_ORGANIZATION,)
    list_select_related = ("organization", "mission", "collaborator")
    fields = ("mission", "collaborator", "role")
    autocomplete_fields = ("mission", "collaborator")


@admin.register(Collaborator)
class CollaboratorAdmin(TenantAdmin):
    """The roster: who can be assigned and notified."""

    section, icon, rank = "People", "groups", 10
    view_permission = Permission.COLLABORATOR_VIEW
    add_permission = change_permission = delete_permission = Permission.COLLABORATOR_MANAGE

    list_display = ("name", "email", "role", "shown_status", "user")
    list_filter = (BY_ORGANIZATION, "status")
    list_select_related = ("organization", "user")
    search_fields = ("email__istartswith", "name__istartswith")
    search_help_text = "Beginning of the mail address or name"
    # Not the account: choosing one would show who else has one here.
    fields = ("name", "email", "role", "status")

    @column("status", labels=STATES)
    def shown_status(self, collaborator: Collaborator) -> str:
        """The status, as a label."""
        return collaborator.get_status_display()
