"""The admin site: who may enter, what the menu and the palette show, and the first page."""

import time
from typing import TYPE_CHECKING, Any

from django.contrib.admin.forms import AdminAuthenticationForm
from django.contrib.admin.views.autocomplete import AutocompleteJsonView
from django.core.exceptions import ValidationError
from django.core.paginator import Paginator
from django.http import HttpRequest
from django.template.response import TemplateResponse

from tenancy.access import organizations_of
from tenancy.models import User

if TYPE_CHECKING:
    from django.contrib.admin import AdminSite
    from django.contrib.auth.base_user import AbstractBaseUser

    AuthenticationForm = AdminAuthenticationForm
else:
    from unfold.forms import AuthenticationForm
    from unfold.sites import UnfoldAdminSite as AdminSite


class LoginForm(AuthenticationForm):
    """Sign-in by mail address and password, for operators and members of an organization."""

    def confirm_login_allowed(self, user: "AbstractBaseUser") -> None:
        """Raise ValidationError for somebody who has nothing to see here."""
        if not (isinstance(user, User) and may_enter(user)):
            raise ValidationError(
                self.error_messages["invalid_login"],
                code="invalid_login",
                params={"username": "mail address"},
            )


class Autocomplete(AutocompleteJsonView):
    """Ten suggestions at a time. Whose they are follows from the page of the rows looked up."""

    paginate_by = 10


class Site(AdminSite):
    """The one admin site. What a person sees in it follows from their memberships."""

    login_form = LoginForm
    login_template = "admin/sign_in.html"
    index_template = "admin/dashboard.html"
    index_title = "Dashboard"
    enable_nav_sidebar = True

    def __init__(self, name: str = "admin") -> None:
        super().__init__(name)
        # It would delete past `tenancy.changes`.
        self.disable_action("delete_selected")

    def has_permission(self, request: HttpRequest) -> bool:
        """Whether the person may enter at all: an operator, or a member of some organization."""
        known: bool | None = getattr(request, "_may_enter", None)
        if known is None:
            known = isinstance(request.user, User) and may_enter(request.user)
            request._may_enter = known  # type: ignore[attr-defined]
        return known

    def each_context(self, request: HttpRequest) -> dict[str, Any]:
        """What every page shows around its content."""
        if isinstance(request.user, User):
            # Unfold shows its palette to staff. Here that word means nothing; the object is not
            # saved, and nothing asks it.
            request.user.is_staff = self.has_permission(request)
        return super().each_context(request)

    def index(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> TemplateResponse:
        """The dashboard."""
        # Imported here, as the palette is: both read pages that register with this site.
        from jobsite import dashboard

        numbers = dashboard.of(request)
        return super().index(request, {"numbers": numbers, **(extra_context or {})})

    def search(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> TemplateResponse:
        """The palette: pages, and the job or organization that was typed; limited, never cached.

        Unfold's own keeps results for five minutes under the person's id, so that a member who was
        removed goes on seeing names, and its search of models has no limit.
        """
        from jobsite import palette

        began = time.monotonic()
        found = palette.find(request, request.GET.get("s", "").strip())
        pages = Paginator(found, palette.LIMIT)
        context = {
            "results": pages.page(1),
            "page_obj": pages,
            "page_counter": 0,
            "execution_time": time.monotonic() - began,
        }
        return TemplateResponse(
            request,
            "unfold/helpers/command_results.html",
            context,
            headers={"HX-Trigger": "search"},
        )

    def autocomplete_view(self, request: HttpRequest) -> Any:
        """Suggestions for a reference."""
        return Autocomplete.as_view(admin_site=self)(request)


def may_enter(person: User) -> bool:
    """Whether there is anything here for this person."""
    return person.is_operator or (person.is_active and bool(organizations_of(person)))


def typed_address(request: HttpRequest, credentials: dict[str, Any] | None) -> str:
    """The mail address of a failed sign-in, in one spelling: attempts are counted by it.

    Upper case first, as PostgreSQL compares them: an ı without its dot and a long ſ find the
    account of i and s too, and each spelling would be ten more guesses.
    """
    given = credentials or {}  # axes itself asks with the name of the field
    typed = given.get("username") or given.get(User.USERNAME_FIELD) or request.POST.get("username")
    return str(typed or "").strip().upper().lower()
