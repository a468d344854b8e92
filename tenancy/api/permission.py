"""What a route demands of the service account that calls it.

The request's door (`jobsite.api`) has opened the organization's scope and named the account as who
acts; this asks `tenancy.access`, the one answer, before the route reads anything.
"""

from typing import Any, ClassVar

from django.db import transaction
from django.http import HttpRequest

from tenancy.access import Permission, require
from tenancy.acting import Actor, current
from tenancy.scope import only_organization


class ServiceToken:
    """Given to a route as `auth=ServiceToken(Permission.MISSION_VIEW)`."""

    openapi_security_schema: ClassVar[dict[str, Any]] = {
        "type": "http",
        "scheme": "bearer",
        "description": "The token of a service account of the organization, `cp_…`.",
    }

    def __init__(self, permission: Permission) -> None:
        self.permission = permission

    def __call__(self, request: HttpRequest) -> Actor:
        """Raise AccessDenied unless the account may do this in its organization."""
        actor = current().actor
        require(actor, self.permission, only_organization())
        return actor


class UploadToken(ServiceToken):
    """For a route that takes a file: it runs outside any transaction, and opens its own.

    The bytes come at the pace of whoever sends them, and no transaction waits for that. The
    permission is asked for before the first of them is read.
    """

    def __call__(self, request: HttpRequest) -> Actor:
        """As ServiceToken, in a transaction that ends with it."""
        with transaction.atomic():
            return super().__call__(request)
