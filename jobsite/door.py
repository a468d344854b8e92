"""The door of the API: what happens to a request before its route runs, in this order.

token, form → scope of the path's organization and one transaction → account → route

The scope is opened before the token is looked up, so a token is found in the organization of the
path or nowhere. An unknown organization, a token of another one and an object of another one get
the same answer. An answer from 400 on undoes the transaction; a denied attempt of a valid token is
then written into the organization's audit log, in a transaction of its own. A route that declares
no permission (unsubscribing) proves itself by its address, and runs as the system. A route that
takes a file has no transaction around it, because the bytes come at the caller's pace.
"""

import re
from collections.abc import Callable
from functools import wraps
from typing import Any

import structlog
from django.conf import settings
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from ninja.operation import Operation

from audit.looks import record_not_found
from jobsite.problems import plain, problem_of
from tenancy import tokens, uploads
from tenancy.acting import Actor, acting, current
from tenancy.api.fields import MAX_ID
from tenancy.api.problems import FieldError, Problem, answer, cut_off, not_found
from tenancy.models import ServiceAccount
from tenancy.scope import scope

MAX_BODY_BYTES = 1024 * 1024

Run = Callable[..., HttpResponse]


def entered(run: Run) -> Run:
    """Let `run` of one operation be reached through the door only."""
    operation: Operation = run.__self__  # type: ignore[attr-defined]

    @wraps(run)
    def enter(request: HttpRequest, **path: Any) -> HttpResponse:
        structlog.contextvars.bind_contextvars(correlation_id=current().correlation_id)
        try:
            token = _token(request) if operation.auth_callbacks else None
            _check_form(request, operation)
            organization_id = _organization_id(path["organization_id"])
            with scope(organization_id):
                if token is None:
                    return _in_transaction(lambda: run(request, **path))
                return _as_account(
                    organization_id,
                    token,
                    request,
                    lambda: run(request, **path),
                    takes_file=_takes_file(operation),
                )
        except Exception as error:  # noqa: BLE001 - turned into a problem, logged where it is ours
            return answer(problem_of(error))

    return enter


def _as_account(
    organization_id: int,
    token: str,
    request: HttpRequest,
    run: Callable[[], HttpResponse],
    *,
    takes_file: bool,
) -> HttpResponse:
    account: ServiceAccount | None = None

    def find_account() -> ServiceAccount:
        nonlocal account
        account = tokens.account_of(token, organization_id)
        if account is None:
            raise not_found()
        structlog.contextvars.bind_contextvars(
            organization_id=organization_id, actor_id=str(Actor.service(account.pk))
        )
        return account

    def as_account() -> HttpResponse:
        with acting(Actor.service(find_account().pk), source="api"):
            return run()

    def with_file() -> HttpResponse:
        with transaction.atomic():
            found = find_account()
        uploads.allow(request, settings.IMPORTS_MAX_BYTES)
        with acting(Actor.service(found.pk), source="api"):
            response = run()
        if uploads.was_refused(request):
            return answer(_too_large())
        # Without its last bytes the file is missing, which is not what the sender has to hear.
        return answer(cut_off()) if uploads.was_cut(request) else response

    response = with_file() if takes_file else _in_transaction(as_account)
    if account is not None and response.status_code in (403, 404):
        with acting(Actor.service(account.pk), source="api"), transaction.atomic():
            route = request.resolver_match.route if request.resolver_match else ""
            record_not_found(request.path, status=response.status_code, route=route)
    return response


def _too_large() -> Problem:
    limit = settings.IMPORTS_MAX_BYTES
    detail = f"No more than {limit:,} bytes are taken. Nothing was kept; split the file."
    return Problem(413, "file_too_large", detail, facts={"limit": limit})


def _in_transaction(run: Callable[[], HttpResponse]) -> HttpResponse:
    with transaction.atomic():
        response = run()
        if response.status_code >= 400:
            transaction.set_rollback(True)
    return response


def _token(request: HttpRequest) -> str:
    """Raises the 401 for a request without a token, or with something that cannot be one."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not tokens.is_well_formed(token):
        raise plain(401, **{"WWW-Authenticate": 'Bearer realm="api"'})
    return token


def _organization_id(text: str) -> int:
    if not re.fullmatch(r"[1-9][0-9]{0,18}", text) or int(text) > MAX_ID:
        raise not_found()
    return int(text)


def _check_form(request: HttpRequest, operation: Operation) -> None:
    if "HTTP_TRANSFER_ENCODING" in request.META:
        raise plain(411)  # WSGI would read such a body as empty
    takes_file = _takes_file(operation)
    most = MAX_BODY_BYTES + (settings.IMPORTS_MAX_BYTES if takes_file else 0)
    length = request.META.get("CONTENT_LENGTH") or "0"
    if not length.isdecimal() or int(length) > most:
        raise _too_large() if takes_file else plain(413)
    if takes_file and request.content_type != "multipart/form-data":
        raise Problem(415, "unsupported_media_type", "Send the file as multipart/form-data.")
    takes_body = any(model.__ninja_param_source__ == "body" for model in operation.models)
    json = request.content_type == "application/json" and (request.content_params or {}).get(
        "charset", "utf-8"
    ).lower() in ("utf-8", "utf8")
    if takes_body and length != "0" and not json:
        raise plain(415)
    _check_query(request, operation)


def _takes_file(operation: Operation) -> bool:
    return any(model.__ninja_param_source__ == "file" for model in operation.models)


def _check_query(request: HttpRequest, operation: Operation) -> None:
    """A misspelled filter is refused; ignored, it would show everything."""
    known = {
        name
        for model in operation.models
        if model.__ninja_param_source__ == "query"
        for name in model.__ninja_flatten_map__
    }
    unknown = sorted(request.GET.keys() - known)
    if unknown:
        raise Problem(
            422,
            "invalid",
            "The request does not fit its schema; see errors.",
            errors=[
                FieldError(
                    field=f"query.{name[:100]}",
                    code="extra_forbidden",
                    message="Is not known here.",
                )
                for name in unknown[:20]
            ],
        )
