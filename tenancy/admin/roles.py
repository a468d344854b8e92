"""What the pages of people share: a role in a form, and an act on one person behind a question."""

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect

from tenancy import members
from tenancy.access import Permission
from tenancy.acting import because, current
from tenancy.admin.base import TenantAdmin
from tenancy.admin.confirm import Question, ask, done
from tenancy.admin.forms import TenantForm
from tenancy.admin.rights import rights_of
from tenancy.errors import InvitationClosed, NotAllowed

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


def act(
    request: HttpRequest,
    page: TenantAdmin,
    person: Any,
    question: Question,
    do: Callable[[Any], object],
    said: str,
) -> HttpResponse:
    """Ask for a reason, then do it to this row; what a rule says against it is told on its page."""
    page.require(request, rights_of(request).may(Permission.MEMBER_MANAGE, person))
    answer = ask(request, page, question)
    if isinstance(answer, HttpResponse):
        return answer
    try:
        with because(answer):
            do(person)
    except (NotAllowed, InvitationClosed) as error:
        messages.error(request, str(error))
        return HttpResponseRedirect(page.address(person))
    return done(request, said, page.address(person))
