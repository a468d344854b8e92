"""Who can sign in, for operators: everybody's account, and who is an operator."""

import secrets
from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.auth.models import Group
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import QuerySet
from django.http import Http404, HttpRequest
from django_dramatiq.models import Task
from unfold.widgets import UnfoldAdminTextInputWidget

from audit.record import record
from jobsite.passwords import mail_link
from tenancy.acting import because
from tenancy.admin.columns import column
from tenancy.admin.lists import ListAdmin
from tenancy.admin.rights import rights_of
from tenancy.admin.times import ago
from tenancy.models import SITE_ORGANIZATION_ID, User

# Rights follow from memberships, and jobs stand in our own ledger: these two pages of installed
# packages would write past the audit log.
for _model in (Group, Task):
    admin.site.unregister(_model)

RECORDED = ("email", "name", "is_active", "is_superuser")


class AccountForm(forms.ModelForm[User]):
    """An account, and why it is made or changed."""

    reason = forms.CharField(
        max_length=500,
        widget=UnfoldAdminTextInputWidget(),
        help_text="Kept in the audit log of the site.",
    )

    class Meta:
        model = User
        fields = ("email", "name", "is_active", "is_superuser")
        labels = {"is_superuser": "Operator", "is_active": "Can sign in"}
        help_texts = {
            "is_superuser": "Sees and manages every organization.",
            "is_active": "Untick it instead of deleting somebody: what they did keeps its name.",
        }

    def clean_email(self) -> str:
        """In one spelling, and of nobody else."""
        email = str(self.cleaned_data["email"]).lower()
        if User.objects.filter(email__iexact=email).exclude(pk=self.instance.pk).exists():
            raise ValidationError("Somebody signs in with this mail address already.")
        return email


@admin.register(User)
class UserAdmin(ListAdmin):
    """Accounts. Which organizations somebody works in stands with their memberships."""

    section, icon, rank = "Administration", "manage_accounts", 30

    form = AccountForm
    list_display = ("email", "name", "shown_role", "shown_state", "last_seen")
    list_filter = ("is_superuser", "is_active")
    search_fields = ("email__istartswith", "name__istartswith")
    search_help_text = "Beginning of the mail address or name"
    fields = ("email", "name", "is_active", "is_superuser", "reason")

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Operators only: a list of people would show who works for whom."""
        return rights_of(request).is_operator

    def has_add_permission(self, request: HttpRequest) -> bool:
        """As `has_view_permission`."""
        return self.has_view_permission(request)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """As `has_view_permission`."""
        return self.has_view_permission(request)

    def has_module_permission(self, request: HttpRequest) -> bool:
        """As `has_view_permission`."""
        return self.has_view_permission(request)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nobody: records name people by their number."""
        return False

    def get_object(
        self, request: HttpRequest, object_id: str, from_field: str | None = None
    ) -> Any:
        """One account. Raises Http404 for everybody but operators."""
        found = super().get_object(request, object_id, from_field)
        if found is None or not self.has_view_permission(request):
            raise Http404
        return found

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """Everybody, for operators."""
        return User.objects.all() if self.has_view_permission(request) else User.objects.none()

    @column("role", labels={"Operator": "danger", "Member": None})
    def shown_role(self, person: User) -> str:
        """Operator or not."""
        return "Operator" if person.is_superuser else "Member"

    @column("state", labels={"Active": "success", "Closed": "warning"})
    def shown_state(self, person: User) -> str:
        """Whether they can sign in."""
        return "Active" if person.is_active else "Closed"

    @column("last sign-in")
    def last_seen(self, person: User) -> str:
        """When they last signed in."""
        return ago(person.last_login)

    def save_model(self, request: HttpRequest, obj: User, form: Any, change: bool) -> None:
        """Write the account, and what changed into the log of the site."""
        before = User.objects.filter(pk=obj.pk).values(*RECORDED).first() or {}
        if not change:
            obj.set_password(secrets.token_urlsafe(32))
            transaction.on_commit(lambda: mail_link(obj.email))
        obj.save()
        after = {name: getattr(obj, name) for name in RECORDED}
        changed = {
            name: (before.get(name), after[name])
            for name in RECORDED
            if before.get(name) != after[name]
        }
        with because(form.cleaned_data["reason"]):
            record(
                "user.changed" if change else "user.created",
                ("user", obj.pk),
                organization_id=SITE_ORGANIZATION_ID,
                changes=changed,
            )

    def get_form(self, request: HttpRequest, obj: Any = None, *args: Any, **kwargs: Any) -> Any:
        """The form; one's own rights are fixed in it, so that nobody locks themselves out."""
        form = super().get_form(request, obj, *args, **kwargs)
        if obj is not None and obj.pk == request.user.pk:
            for name in ("is_active", "is_superuser"):
                form.base_fields[name].disabled = True
        return form
