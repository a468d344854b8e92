"""Who may work in an organization: its members, and the programs that use its API."""

from typing import Any

from django.contrib import admin
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from unfold.enums import ActionVariant

from tenancy import changes, members, tokens
from tenancy.access import Permission
from tenancy.acting import because
from tenancy.admin.base import BY_ORGANIZATION, Button, TenantAdmin
from tenancy.admin.columns import column
from tenancy.admin.confirm import Question, ask, done
from tenancy.admin.once import ShownOnceAdmin, form_id, is_repeated
from tenancy.admin.roles import ROLES, RoleForm, act
from tenancy.errors import NotAllowed
from tenancy.models import Membership, ServiceAccount


@admin.register(Membership)
class MembershipAdmin(TenantAdmin):
    """The members of an organization, and their roles; who is new comes by an invitation."""

    section, icon, rank = "People", "badge", 20
    view_permission = Permission.MEMBER_VIEW
    change_permission = delete_permission = Permission.MEMBER_MANAGE
    routes = {"deactivate": "deactivate_view", "reactivate": "reactivate_view"}

    form = RoleForm
    list_display = ("user", "mail_address", "shown_role", "shown_state", "created_at")
    list_filter = (BY_ORGANIZATION, "role")
    list_select_related = ("organization", "user")
    search_fields = ("user__email__istartswith",)
    search_help_text = "Beginning of the mail address"
    fields = ("organization", "user", "role", "shown_state")
    readonly_fields = ("user", "shown_state")

    @column("mail address")
    def mail_address(self, membership: Membership) -> str:
        """Under which the person signs in."""
        return membership.user.email

    @column("role", labels=ROLES)
    def shown_role(self, membership: Membership) -> str:
        """The role, as a label."""
        return membership.get_role_display()

    @column("state", labels={"Active": "success", "Deactivated": "warning"})
    def shown_state(self, membership: Membership) -> str:
        """Whether it gives any right."""
        return "Deactivated" if membership.deactivated_at else "Active"

    def buttons(self, request: HttpRequest, obj: Membership) -> list[Button]:
        """Deactivate or reactivate, whichever is possible."""
        if not self.has_change_permission(request, obj):
            return []
        if obj.deactivated_at:
            return [Button(title="Reactivate", route="reactivate", icon="person_add")]
        danger = ActionVariant.DANGER
        return [Button(title="Deactivate", route="deactivate", icon="person_off", variant=danger)]

    def save_model(self, request: HttpRequest, obj: Membership, form: Any, change: bool) -> None:
        """Give the member another role."""
        try:
            members.change_role(obj, form.cleaned_data["role"])
        except NotAllowed as error:
            raise ValidationError(str(error)) from error

    def delete_model(self, request: HttpRequest, obj: Membership) -> None:
        """End the membership."""
        members.remove(obj)

    def delete_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> Any:
        """The question, and what a rule says against it."""
        try:
            return super().delete_view(request, object_id, extra_context)
        except NotAllowed as error:
            self.message_user(request, str(error), "ERROR")
            return self.response_post_save_change(request, None)

    def deactivate_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Take every right from the member, for now."""
        member = self.get_object(request, object_id)
        question = Question(
            title=f"Deactivate {member.user}?",
            button="Deactivate",
            sentences=[
                "All rights here end at once, and work that waits in this person's name does not "
                "run. Service accounts are not touched.",
                "The membership is kept, with its role, and can be reactivated.",
            ],
            danger=True,
        )
        said = f"{member.user} is deactivated."
        return act(request, self, member, question, members.deactivate, said)

    def reactivate_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Give the rights back."""
        member = self.get_object(request, object_id)
        question = Question(
            title=f"Reactivate {member.user}?",
            button="Reactivate",
            sentences=[f"This person is {member.role} again."],
        )
        said = f"{member.user} is reactivated."
        return act(request, self, member, question, members.reactivate, said)


@admin.register(ServiceAccount)
class ServiceAccountAdmin(ShownOnceAdmin):
    """Programs that use the API; a token is shown once, and kept as a digest."""

    section, icon, rank = "People", "key", 30
    view_permission = Permission.MEMBER_VIEW
    add_permission = change_permission = Permission.MEMBER_MANAGE
    routes = {"revoke": "revoke_view", "new-token": "new_token_view", "shown": "shown_view"}
    secret_name, secret_template = "token", "admin/token.html"

    form = RoleForm
    list_display = ("name", "token", "shown_role", "shown_state", "created_at")
    list_filter = (BY_ORGANIZATION, "role")
    search_fields = ("name__istartswith",)
    search_help_text = "Beginning of the name"

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """What can be chosen, and what is known."""
        known = ("token", "created_at", "disabled_at") if obj else ()
        return ("organization", "name", "role", *known)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """Revoking has a button of its own, which asks for a reason."""
        return (*super().get_readonly_fields(request, obj), "token", "created_at", "disabled_at")

    def token(self, account: ServiceAccount) -> str:
        """The beginning of the token, enough to tell it from others."""
        return f"{account.token_hint}…"

    @column("role", labels=ROLES)
    def shown_role(self, account: ServiceAccount) -> str:
        """The role, as a label."""
        return account.get_role_display()

    @column("state", labels={"Active": "success", "Revoked": "danger"})
    def shown_state(self, account: ServiceAccount) -> str:
        """Whether the token works."""
        return "Revoked" if account.disabled_at else "Active"

    def buttons(self, request: HttpRequest, obj: ServiceAccount) -> list[Button]:
        """Replace the token or revoke it, while it works."""
        if obj.disabled_at or not self._may_touch(request, obj):
            return []
        return [
            Button(title="New token", route="new-token", icon="autorenew"),
            Button(title="Revoke", route="revoke", icon="block", variant=ActionVariant.DANGER),
        ]

    def save_model(
        self, request: HttpRequest, obj: ServiceAccount, form: Any, change: bool
    ) -> None:
        """Issue an account with its token, or rename it."""
        if change:
            changes.update(obj, name=obj.name, role=obj.role)
            return
        issued, token = tokens.issue(obj.organization_id, name=obj.name, role=obj.role)
        obj.pk = issued.pk
        request._token = token  # type: ignore[attr-defined]

    def response_add(self, request: HttpRequest, obj: Any, post_url_continue: Any = None) -> Any:
        """To the token."""
        return self.keep(request, obj, request._token)  # type: ignore[attr-defined]

    def new_token_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Replace the token."""
        account = self.get_object(request, object_id)
        self.require(request, self._may_touch(request, account))
        question = Question(
            title=f"Give {account.name} a new token?",
            button="Make a new token",
            sentences=["The token in use now stops working at once."],
            hidden=[form_id()],
        )
        if is_repeated(request):
            return self.repeated(request)
        answer = ask(request, self, question)
        if isinstance(answer, HttpResponse):
            return answer
        with because(answer):
            return self.keep(request, account, tokens.replace(account))

    def revoke_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Stop the token from working, for good."""
        account = self.get_object(request, object_id)
        self.require(request, self._may_touch(request, account))
        question = Question(
            title=f"Revoke {account.name}?",
            button="Revoke",
            sentences=["Its token stops working at once, and cannot be made to work again."],
            danger=True,
        )
        answer = ask(request, self, question)
        if isinstance(answer, HttpResponse):
            return answer
        with because(answer):
            changes.update(account, disabled_at=timezone.now())
        return done(request, f"{account.name} is revoked.", self.address(account))

    def _may_touch(self, request: HttpRequest, account: ServiceAccount) -> bool:
        """Whether they may manage accounts here, and hold all that this one may do."""
        allowed = self.has_change_permission(request, account)
        return allowed and account.role in members.grantable(account.organization_id)
