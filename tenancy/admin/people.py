"""Who may work in an organization: its members, and the programs that use its API."""

from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from unfold.enums import ActionVariant
from unfold.widgets import UnfoldAdminEmailInputWidget

from tenancy import changes, members, tokens
from tenancy.access import Permission
from tenancy.acting import because, current
from tenancy.admin.base import BY_ORGANIZATION, Button, TenantAdmin
from tenancy.admin.columns import column
from tenancy.admin.confirm import Question, ask, done
from tenancy.admin.forms import TenantForm
from tenancy.admin.once import ShownOnceAdmin, form_id, is_repeated
from tenancy.errors import NotAllowed
from tenancy.models import Membership, ServiceAccount

ROLES = {"Owner": "danger", "Admin": "warning", "Editor": "info", "Viewer": None}


class RoleForm(TenantForm):
    """A form with a role: nobody gives one above their own, or touches somebody who holds one."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "role" in self.fields:
            offered = self._offered()
            self.fields["role"].choices = [  # type: ignore[attr-defined]
                (role.value, role.label) for role in members.RANKS if role in offered
            ]

    def _offered(self) -> set[str]:
        """The roles that whoever acts may give, in some organization that they can choose."""
        if self.instance.pk:
            return {*members.grantable(self.instance.organization_id), self.instance.role}
        if current().actor.kind == "operator":
            return set(members.RANKS)
        choices = self.fields["organization"].queryset  # type: ignore[attr-defined]
        return {role for one in choices for role in members.grantable(one.pk)}

    def clean(self) -> dict[str, Any]:
        """Refuse a role that whoever acts does not hold in full."""
        cleaned = super().clean()
        organization_id = self.instance.organization_id
        if organization_id is not None:
            allowed = members.grantable(organization_id)
            for role in {cleaned.get("role"), self.initial.get("role")} - {None}:
                if role not in allowed:
                    self.add_error("role", f"The role {role} is above your own.")
        return cleaned


class NewMemberForm(RoleForm):
    """Names a person by mail address: a list of people would show those of others."""

    email = forms.EmailField(
        label="Mail address",
        widget=UnfoldAdminEmailInputWidget(),
        help_text="Somebody who has no account yet gets one, and a mail to choose a password.",
    )

    def clean(self) -> dict[str, Any]:
        """Refuse somebody who is a member already."""
        cleaned = super().clean()
        known = Membership.objects.filter(
            organization_id=self.instance.organization_id,
            user__email__iexact=cleaned.get("email", ""),
        )
        if known.exists():
            self.add_error("email", "This person is a member already.")
        return cleaned


@admin.register(Membership)
class MembershipAdmin(TenantAdmin):
    """The members of an organization, and their roles."""

    section, icon, rank = "People", "badge", 20
    view_permission = Permission.MEMBER_VIEW
    add_permission = change_permission = delete_permission = Permission.MEMBER_MANAGE

    form = RoleForm
    list_display = ("user", "mail_address", "shown_role", "created_at")
    list_filter = (BY_ORGANIZATION, "role")
    list_select_related = ("organization", "user")
    search_fields = ("user__email__istartswith",)
    search_help_text = "Beginning of the mail address"

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """A new member is named by mail address."""
        return ("organization", "user" if obj else "email", "role")

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """A membership stays that of one person."""
        return (*super().get_readonly_fields(request, obj), *(("user",) if obj else ()))

    def get_form(self, request: HttpRequest, obj: Any = None, *args: Any, **kwargs: Any) -> Any:
        """The form with a mail address, where a member is added."""
        if obj is None:
            kwargs["form"] = NewMemberForm
        return super().get_form(request, obj, *args, **kwargs)

    @column("mail address")
    def mail_address(self, membership: Membership) -> str:
        """Under which the person signs in."""
        return membership.user.email

    @column("role", labels=ROLES)
    def shown_role(self, membership: Membership) -> str:
        """The role, as a label."""
        return membership.get_role_display()

    def save_model(self, request: HttpRequest, obj: Membership, form: Any, change: bool) -> None:
        """Add the person, or give the member another role."""
        try:
            if change:
                members.change_role(obj, form.cleaned_data["role"])
            else:
                added = members.add(
                    obj.organization_id, email=form.cleaned_data["email"], role=obj.role
                )
                obj.pk, obj.user = added.pk, added.user
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
