"""Who hears of what beside their own missions, and the mailboxes that nothing goes to any more."""

from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest
from unfold.widgets import UnfoldAdminSelectWidget

from jobs.families.notifications.models import SuppressionCause
from jobs.families.notifications.unsubscribe import suppress
from jobs.models import Subscription, SuppressedAddress
from templates.catalogue import EVENT_TYPES
from tenancy.access import Permission
from tenancy.admin.base import BY_ORGANIZATION, TenantAdmin
from tenancy.admin.columns import column
from tenancy.admin.filters import chosen
from tenancy.admin.forms import TenantForm


def event_types() -> list[tuple[str, str]]:
    """The event types of the catalogue."""
    return [(one.name, one.title) for one in EVENT_TYPES.values()]


class SubscriptionForm(TenantForm):
    """The event type from the catalogue."""

    event_type = forms.ChoiceField(choices=event_types, widget=UnfoldAdminSelectWidget())


@admin.register(Subscription)
class SubscriptionAdmin(TenantAdmin):
    """What people on the roster want to hear, or not."""

    section, icon, rank = "Notifications", "notifications", 40
    view_permission = Permission.COLLABORATOR_VIEW
    add_permission = change_permission = delete_permission = Permission.COLLABORATOR_MANAGE

    form = SubscriptionForm
    list_display = ("collaborator", "event_type", "project", "muted", "created_at")
    list_filter = (BY_ORGANIZATION, chosen("event_type", "event", event_types), "muted")
    list_select_related = ("organization", "collaborator", "project")
    fields = ("collaborator", "event_type", "project", "muted")
    autocomplete_fields = ("collaborator", "project")


@admin.register(SuppressedAddress)
class SuppressedAddressAdmin(TenantAdmin):
    """Mailboxes that unsubscribed, bounced or complained; deleting one lets mail go there again."""

    section, icon, rank = "Notifications", "unsubscribe", 50
    view_permission = Permission.COLLABORATOR_VIEW
    add_permission = delete_permission = Permission.COLLABORATOR_MANAGE

    list_display = ("address", "shown_cause", "created_at")
    list_filter = (BY_ORGANIZATION, chosen("cause", "cause", lambda: SuppressionCause.choices))
    search_fields = ("address__exact",)
    search_help_text = "A mail address, in full"
    fields = ("address",)

    @column("cause", labels={"Bounced": "warning", "Complained": "danger"})
    def shown_cause(self, suppressed: SuppressedAddress) -> str:
        """Why nothing goes there."""
        return suppressed.get_cause_display()

    def save_model(
        self, request: HttpRequest, obj: SuppressedAddress, form: Any, change: bool
    ) -> None:
        """By hand, in lower case, which is how it is looked up."""
        made = suppress(obj.organization_id, obj.address, SuppressionCause.BY_HAND)
        obj.pk = made.pk
