"""The base of every admin page about rows of organizations.

A subclass names four permissions of `tenancy.access`, and everything follows from them: which rows
a list shows, which pages and buttons exist, what a form offers, what a POST may do. A row of
another organization does not exist: not found, in no list, in no choice.

    @admin.register(Mission)
    class MissionAdmin(TenantAdmin):
        section, icon = "Work", "flag"
        view_permission = Permission.MISSION_VIEW
        add_permission = change_permission = delete_permission = Permission.MISSION_EDIT
        list_display = ("reference", "title", "state")
        list_filter = (BY_ORGANIZATION, "state")

A permission left at None is nobody's: `add_permission = None` is a list that nothing is added to.
"""

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import urlencode

from django import forms
from django.contrib.admin.utils import flatten_fieldsets
from django.contrib.admin.widgets import AutocompleteSelect
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import IntegrityError, transaction
from django.db.models import DateTimeField, ForeignKey, Model, ProtectedError, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import path, reverse
from unfold.contrib.filters.admin import AutocompleteSelectFilter
from unfold.enums import ActionVariant
from unfold.widgets import UnfoldAdminSelectWidget

from tenancy import changes
from tenancy.access import Permission
from tenancy.admin.forms import TenantForm, TenantFormSet, refusal
from tenancy.admin.lists import ListAdmin
from tenancy.admin.rights import rights_of
from tenancy.models import SITE_ORGANIZATION_ID, Organization
from tenancy.scope import report_look

if TYPE_CHECKING:
    from django.contrib.admin import TabularInline
else:
    from unfold.admin import TabularInline


class OrganizationFilter(AutocompleteSelectFilter):  # type: ignore[misc]
    """By organization, found by typing: as a plain select ten thousand make a page of 4.8 MB."""

    def field_choices(self, field: Any, request: HttpRequest, model_admin: Any) -> list[Any]:
        """The chosen one alone; the rest is looked up."""
        return []


BY_ORGANIZATION = ("organization", OrganizationFilter)

ONE_LOOK = timedelta(minutes=10)
"""For so long an operator who comes back to a row looks at it still."""


@dataclass(frozen=True, kw_only=True)
class Button:
    """A link at the top of a row's page, to one of `TenantAdmin.routes`."""

    title: str
    route: str
    icon: str = ""
    variant: ActionVariant = ActionVariant.DEFAULT

    def shown(self, address: str) -> dict[str, Any]:
        """As Unfold's template reads it."""
        return {
            "title": self.title,
            "path": address,
            "icon": self.icon,
            "variant": self.variant,
            "attrs": {},
        }


class OperatorsOnly:
    """For pages that belong to the site: operators look, and nobody changes a row by a form."""

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Operators, each row or any."""
        return rights_of(request).is_operator

    def has_module_permission(self, request: HttpRequest) -> bool:
        """As `has_view_permission`."""
        return rights_of(request).is_operator

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Nobody: the rows come and go by themselves."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nobody."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nobody."""
        return False


class Permitted:
    """Maps Django's four questions to permissions of `tenancy.access`, per row and in general."""

    view_permission: ClassVar[Permission]
    add_permission: ClassVar[Permission | None] = None
    change_permission: ClassVar[Permission | None] = None
    delete_permission: ClassVar[Permission | None] = None

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Whether this row, or any at all, is shown."""
        return _may(request, self.view_permission, obj)

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Whether a row can be made (inside the row `obj`, for inlines)."""
        return _may(request, self.add_permission, obj)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Whether this row, or any at all, can be changed."""
        return _may(request, self.change_permission, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Whether this row, or any at all, can be deleted."""
        return _may(request, self.delete_permission, obj)

    def has_module_permission(self, request: HttpRequest) -> bool:
        """Whether the list has an entry in the navigation."""
        return self.has_view_permission(request)

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """Say of a moment which clock it is by."""
        if isinstance(db_field, DateTimeField):
            kwargs.setdefault("help_text", "In UTC.")
        return super().formfield_for_dbfield(db_field, request, **kwargs)  # type: ignore[misc]

    def formfield_for_foreignkey(
        self, db_field: ForeignKey[Any, Any], request: HttpRequest, **kwargs: Any
    ) -> Any:
        """Offer the rows of the person's own organizations only."""
        remote = db_field.related_model
        if "queryset" not in kwargs and getattr(remote, "is_tenant", False):
            kwargs["queryset"] = visible(request, remote, self.view_permission)
        return super().formfield_for_foreignkey(db_field, request, **kwargs)  # type: ignore[misc]


class TenantAdmin(Permitted, ListAdmin):
    """Pages about rows of one model, each of one organization; see the top of this module."""

    routes: ClassVar[dict[str, str]] = {}
    """Pages of one row beside its form: address → name of the method (request, object_id)."""

    form = TenantForm
    list_select_related: ClassVar[bool | list[str] | tuple[str, ...]] = ("organization",)

    # -- what is there ------------------------------------------------------------------------

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """The rows that the person may see. Row-level security says the same once more."""
        return visible(request, self.model, self.view_permission)

    def get_object(
        self, request: HttpRequest, object_id: str, from_field: str | None = None
    ) -> Any:
        """One row. Raises Http404 for one that is not there, or not theirs: nobody says which."""
        found = super().get_object(request, object_id, from_field)
        if found is None:
            raise Http404
        # An operator's look into one organization is in that organization's own log too.
        if found.organization_id is not None:
            reason = f"{request.method} {request.path}"
            report_look(reason, found.organization_id, quiet_for=ONE_LOOK)
        return found

    def get_list_display(self, request: HttpRequest) -> Any:
        """The columns; with the organization for whoever sees several."""
        columns = [one for one in super().get_list_display(request) if one != "organization"]
        if self.model is Organization or self._organizations(request) == 1:
            return columns
        return [*columns[:1], "organization", *columns[1:]]

    def get_list_filter(self, request: HttpRequest) -> Any:
        """The filters; that by organization only for whoever sees several."""
        several = self._organizations(request) != 1
        return [
            one for one in super().get_list_filter(request) if several or one != BY_ORGANIZATION
        ]

    # -- forms --------------------------------------------------------------------------------

    def get_fields(self, request: HttpRequest, obj: Model | None = None) -> Any:
        """The organization first: chosen when a row is made, shown ever after."""
        fields = [one for one in super().get_fields(request, obj) if one != "organization"]
        return fields if self.model is Organization else ["organization", *fields]

    def get_readonly_fields(self, request: HttpRequest, obj: Model | None = None) -> Any:
        """A row never moves to another organization."""
        fixed = () if obj is None or self.model is Organization else ("organization",)
        return (*super().get_readonly_fields(request, obj), *fixed)

    def get_form(
        self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any
    ) -> Any:
        """The form, with the organization where a row is made."""
        if "fields" not in kwargs:
            kwargs["fields"] = flatten_fieldsets(self.get_fieldsets(request, obj))
        if kwargs["fields"] is not None:
            kwargs["fields"] = [one for one in kwargs["fields"] if one != "organization"]
        added: dict[str, Any] = {"refused": getattr(request, "_refused", "")}
        if obj is None and self.model is not Organization:
            added["organization"] = self._organization_field(request)
        form = kwargs.pop("form", self.form)
        kwargs["form"] = type(form.__name__, (form,), added)
        return super().get_form(request, obj, change, **kwargs)

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> Any:
        """The form; what the database refuses comes back as an error in it, with what was typed."""
        try:
            with transaction.atomic():
                return super().changeform_view(request, object_id, form_url, extra_context)
        except (IntegrityError, ProtectedError, ValidationError) as error:
            request._refused = refusal(error)  # type: ignore[attr-defined]
            return super().changeform_view(request, object_id, form_url, extra_context)

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """Through the one door."""
        changes.save(obj)

    def save_formset(self, request: HttpRequest, form: Any, formset: Any, change: bool) -> None:
        """The rows inside, through the same door."""
        saved = formset.save(commit=False)
        for gone in formset.deleted_objects:
            changes.delete(gone)
        for one in saved:
            changes.save(one)

    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        """Through the one door."""
        changes.delete(obj)

    def history_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """The audit log of this row."""
        one = self.get_object(request, object_id)
        query = {"target_type": self.opts.model_name, "target_id": one.pk}
        address = reverse("admin:audit_auditevent_changelist")
        return HttpResponseRedirect(f"{address}?{urlencode(query)}")

    def require(self, request: HttpRequest, allowed: bool) -> None:
        """Raise PermissionDenied for a page of a row that is seen and may not be changed so."""
        if not allowed:
            raise PermissionDenied

    # -- pages of one row ---------------------------------------------------------------------

    def buttons(self, request: HttpRequest, obj: Any) -> list[Button]:
        """What can be done to this row now, by this person."""
        return []

    def get_urls(self) -> list[Any]:
        """Django's addresses, and those of `routes`, named `<app>_<model>_<address>`."""
        prefix = f"{self.opts.app_label}_{self.opts.model_name}"
        own = [
            path(
                f"<path:object_id>/{address}/",
                self.admin_site.admin_view(getattr(self, method)),
                name=f"{prefix}_{address.replace('-', '_')}",
            )
            for address, method in self.routes.items()
        ]
        return [*own, *super().get_urls()]

    def address(self, obj: Any, route: str = "change") -> str:
        """The address of a row's page, or of one of its routes."""
        name = f"{self.opts.app_label}_{self.opts.model_name}_{route.replace('-', '_')}"
        return reverse(f"admin:{name}", args=[obj.pk])

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> Any:
        """The form, with the buttons of its row."""
        obj = context.get("original")
        # Its history is the audit log.
        context["show_history"] = obj is not None and rights_of(request).may(
            Permission.AUDIT_VIEW, obj
        )
        if obj is not None:
            shown = [one.shown(self.address(obj, one.route)) for one in self.buttons(request, obj)]
            context["actions_detail"] = shown
        return super().render_change_form(request, context, *args, **kwargs)

    def _organizations(self, request: HttpRequest) -> int | None:
        own = rights_of(request).organizations(self.view_permission)
        return None if own is None else len(own)

    def _organization_field(self, request: HttpRequest) -> forms.ModelChoiceField[Organization]:
        """Chosen among one's own; with only one there is nothing to choose."""
        assert self.add_permission is not None
        choices = visible(request, Organization, self.add_permission)
        if rights_of(request).is_operator:
            reference = self.model._meta.get_field("organization")
            widget = AutocompleteSelect(reference, self.admin_site)
            return forms.ModelChoiceField(choices, widget=widget)
        only = choices[0] if len(choices[:2]) == 1 else None
        return forms.ModelChoiceField(
            choices, initial=only, disabled=only is not None, widget=UnfoldAdminSelectWidget()
        )


class TenantInline(Permitted, TabularInline):  # type: ignore[type-arg]
    """Rows shown inside the page of the row that they hang on."""

    form = TenantForm
    formset = TenantFormSet
    extra = 0
    show_change_link = True


def visible(
    request: HttpRequest, model: type[Model] | Any, permission: Permission
) -> QuerySet[Any]:
    """The rows of the organizations where the person holds `permission`."""
    rows: QuerySet[Any] = model._default_manager.all()
    own = rights_of(request).organizations(permission)
    if model is Organization:
        rows = rows.exclude(pk=SITE_ORGANIZATION_ID)
        return rows if own is None else rows.filter(pk__in=own)
    return rows if own is None else rows.filter(organization_id__in=own)


def _may(request: HttpRequest, permission: Permission | None, thing: Any) -> bool:
    if permission is None or not request.user.is_authenticated:  # as on the sign-in page
        return False
    return rights_of(request).may(permission, thing)
