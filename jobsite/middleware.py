"""Give each request its actor, its scope and one transaction.

Pages of the admin read tenant tables while their template renders, after the view has returned;
so scope and transaction enclose the whole response, not only the view. The API opens its own scope,
from the organization in its path.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta

import structlog
from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.db import connection, transaction
from django.http import HttpRequest, HttpResponseBadRequest, HttpResponseBase
from django.urls import reverse

from audit.looks import record_not_found
from tenancy import uploads
from tenancy.access import organizations_of
from tenancy.acting import Actor, acting
from tenancy.models import User
from tenancy.scope import operator_scope, scope

GetResponse = Callable[[HttpRequest], HttpResponseBase]

REFRESHED_WITHIN = timedelta(minutes=10)
"""A page that an operator opens, or that refreshes itself, is one view for so long."""

log = structlog.get_logger(__name__)


class ScopeMiddleware:
    """For the admin site: an operator sees everything and it is recorded, others see their own."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if not request.path.startswith(reverse("admin:index")) or not request.user.is_authenticated:
            return self.get_response(request)
        if "%00" in request.META.get("QUERY_STRING", ""):
            return HttpResponseBadRequest()  # PostgreSQL knows no such text; nobody types one
        if _is_about_an_account(request):
            request.user = AnonymousUser()
            return self.get_response(request)
        uploads.allow(request, settings.IMPORTS_MAX_BYTES)
        with _scope_of(request):
            with transaction.atomic():
                response = self.get_response(request)
                if response.status_code >= 500:
                    transaction.set_rollback(True)
            if response.status_code in (403, 404):
                # In a transaction of its own: that of the page was undone.
                with transaction.atomic():
                    record_not_found(
                        request.path, status=response.status_code, route=route_of(request)
                    )
        return response

    def process_exception(self, request: HttpRequest, exception: Exception) -> None:
        """A view that raised leaves nothing half-done, whatever page its exception becomes."""
        if connection.in_atomic_block:
            transaction.set_rollback(True)


def _is_about_an_account(request: HttpRequest) -> bool:
    """Signing in, and a password by mail: of whichever account is named, not of who is signed in.

    In the scope of the latter a guess at an account of another organization could be neither
    recorded nor counted.
    """
    pages = (reverse("admin:login"), reverse("admin:index") + "password/")
    return request.method == "POST" and request.path.startswith(pages)


def route_of(request: HttpRequest) -> str:
    """The pattern that the path matched, the same for whatever id was tried.

    Of an address that is no page, what the pattern begins with: the rest is a regular expression.
    """
    route = str(request.resolver_match.route) if request.resolver_match else ""
    return route.partition("(?P")[0]


@contextmanager
def _scope_of(request: HttpRequest) -> Iterator[None]:
    person = request.user
    assert isinstance(person, User)
    correlation_id = structlog.contextvars.get_contextvars().get("correlation_id")
    actor = Actor.operator(person.pk) if person.is_operator else Actor.user(person.pk)
    with acting(actor, source="admin", correlation_id=correlation_id):
        structlog.contextvars.bind_contextvars(actor_id=str(actor))
        if person.is_operator:
            reading = request.method in ("GET", "HEAD")
            quiet_for = REFRESHED_WITHIN if reading else timedelta(0)
            with operator_scope(f"{request.method} {request.path}", quiet_for=quiet_for):
                yield
        else:
            with scope(organizations_of(person)):
                yield
