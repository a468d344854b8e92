"""Invitations: who was asked to join an organization, and has not joined it yet."""

from typing import Any

from django.contrib import admin
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from unfold.enums import ActionVariant

from tenancy import clock, invitations, members
from tenancy.access import Permission
from tenancy.admin.base import BY_ORGANIZATION, Button, TenantAdmin
from tenancy.admin.columns import column
from tenancy.admin.confirm import Question
from tenancy.admin.names import names_of
from tenancy.admin.roles import ROLES, RoleForm, act
from tenancy.errors import NotAllowed
from tenancy.models import Invitation, InvitationState
from tenancy.rules import open_invitations

STATES = {"Pending": "info", "Accepted": "success", "Revoked": "danger", "Expired": "warning"}


@admin.register(Invitation)
class InvitationAdmin(TenantAdmin):
    """Invite by mail, send again, revoke."""

    section, icon, rank = "People", "mail", 25
    view_permission = Permission.MEMBER_VIEW
    add_permission = Permission.MEMBER_MANAGE
    routes = {"send-again": "send_again_view", "revoke": "revoke_view"}

    form = RoleForm
    list_display = ("email", "name", "shown_role", "shown_state", "created_at", "expires_at")
    list_filter = (BY_ORGANIZATION, "state", "role")
    search_fields = ("email__istartswith", "name__istartswith")
    search_help_text = "Beginning of the mail address or name"

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """What can be chosen, and what is known."""
        known = ("standing", "inviter", "created_at", "expires_at", "accepted_at") if obj else ()
        return ("organization", "email", "name", "role", *known)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """An invitation is sent as it is; who was mistaken revokes it and sends another."""
        known = ("standing", "inviter", "created_at", "expires_at", "accepted_at")
        return (*super().get_readonly_fields(request, obj), *known)

    @column("role", labels=ROLES)
    def shown_role(self, invitation: Invitation) -> str:
        """The role, as a label."""
        return invitation.get_role_display()

    @column("state", labels=STATES)
    def shown_state(self, invitation: Invitation) -> str:
        """Where it stands; one whose time is over is called expired."""
        is_over = invitation.expires_at <= clock.now()
        if invitation.state == InvitationState.PENDING and is_over:
            return "Expired"
        return invitation.get_state_display()

    @column("state")
    def standing(self, invitation: Invitation) -> str:
        """The same, with what to do where nobody can accept it."""
        if invitation.state != InvitationState.PENDING:
            return invitation.get_state_display()
        if open_invitations(invitation.organization_id).filter(pk=invitation.pk).exists():
            return "Pending: the link in the mail opens it."
        return (
            "Pending, and nobody can accept it: its time is over, or whoever sent it may not give "
            "this role any more. Send it again."
        )

    @column("invited by")
    def inviter(self, invitation: Invitation) -> str:
        """Who sent it last."""
        return names_of([invitation.invited_by]).get(invitation.invited_by, "somebody")

    def buttons(self, request: HttpRequest, obj: Invitation) -> list[Button]:
        """Send it again or revoke it, while it is pending."""
        if obj.state != InvitationState.PENDING or not self.has_add_permission(request, obj):
            return []
        return [
            Button(title="Send again", route="send-again", icon="forward_to_inbox"),
            Button(title="Revoke", route="revoke", icon="block", variant=ActionVariant.DANGER),
        ]

    def save_model(self, request: HttpRequest, obj: Invitation, form: Any, change: bool) -> None:
        """Invite; there is no other form."""
        try:
            invited = members.invite(
                obj.organization_id, email=obj.email, name=obj.name, role=obj.role
            )
        except NotAllowed as error:
            raise ValidationError(str(error)) from error
        obj.pk, obj.email = invited.pk, invited.email

    def send_again_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Another link, for another term."""
        invitation = self.get_object(request, object_id)
        question = Question(
            title=f"Send the invitation to {invitation.email} again?",
            button="Send again",
            sentences=[
                "A new mail goes out, and the link in the one before stops working.",
                f"It can be accepted for {invitations.VALID_FOR.days} days, in your name.",
            ],
        )
        said = f"Another mail is on its way to {invitation.email}."
        return act(request, self, invitation, question, members.renew, said)

    def revoke_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Let the link open nothing more."""
        invitation = self.get_object(request, object_id)
        question = Question(
            title=f"Revoke the invitation to {invitation.email}?",
            button="Revoke",
            sentences=["The link in the mail stops working at once."],
            danger=True,
        )
        said = f"The invitation to {invitation.email} is revoked."
        return act(request, self, invitation, question, members.revoke, said)
