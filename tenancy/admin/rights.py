"""What the person behind a page may do: asked of `tenancy.access`, once per page."""

from typing import Any

from django.http import HttpRequest

from tenancy import access
from tenancy.access import Actor, Permission
from tenancy.models import SITE_ORGANIZATION_ID, Organization, User


class Rights:
    """The rights of one person, during one request."""

    def __init__(self, person: User | None) -> None:
        self.is_operator = person is not None and person.is_operator
        self._person = person
        # Somebody who is not signed in sees the menu of the sign-in page: an empty one.
        self._granted: dict[int, frozenset[Permission]] | None = None if person else {}

    def organizations(self, permission: Permission) -> frozenset[int] | None:
        """Ids of the organizations where the person may do this; None means every one."""
        if self.is_operator:
            return None
        return frozenset(key for key, held in self._held().items() if permission in held)

    def may(self, permission: Permission, thing: Any = None) -> bool:
        """Whether they may do this to a row, or without one, to any row at all.

        A row that belongs to no organization is the operators' alone.
        """
        if self.is_operator:
            return True
        if thing is None:
            return bool(self.organizations(permission))
        key = thing.pk if isinstance(thing, Organization) else thing.organization_id
        return key is not None and permission in self._held().get(key, ())

    def _held(self) -> dict[int, frozenset[Permission]]:
        if self._granted is None and self._person is not None:
            actor = Actor.user(self._person.pk)
            mine = Organization.objects.filter(pk__in=access.organizations_of(self._person))
            mine = mine.exclude(pk=SITE_ORGANIZATION_ID)
            self._granted = {one.pk: access.granted(actor, one) for one in mine}
        return self._granted or {}


def rights_of(request: HttpRequest) -> Rights:
    """The rights of the signed-in person; kept with the request."""
    known: Rights | None = getattr(request, "_tenancy_rights", None)
    if known is None:
        known = Rights(request.user if isinstance(request.user, User) else None)
        request._tenancy_rights = known  # type: ignore[attr-defined]
    return known
