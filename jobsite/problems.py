"""Whatever goes wrong under /api/ is answered as problem details (RFC 9457).

Exceptions in a route are turned by the handlers here; what never reaches a route (an unknown
address, a wrong method, a host that is not ours) by the middleware, which also gives each request
its correlation id and echoes it.
"""

import re
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import structlog
from django.apps import apps
from django.db import IntegrityError, OperationalError
from django.db.models import CheckConstraint, UniqueConstraint
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from ninja import NinjaAPI
from ninja.errors import HttpError, Throttled, ValidationError

from tenancy.acting import Actor, acting
from tenancy.api.problems import MEDIA_TYPE, FieldError, Problem, answer, not_found
from tenancy.errors import AccessDenied

CORRELATION_HEADER = "X-Correlation-ID"
ADDRESS = "/api/"

log = structlog.get_logger(__name__)

_PRINTABLE = re.compile(r"[\x21-\x7e]{1,128}")
_PLAIN = {
    400: ("malformed", "The request could not be read."),
    401: ("unauthenticated", "Send the token of a service account: `Authorization: Bearer cp_…`."),
    405: ("method_not_allowed", "This address does not know that method; see the header Allow."),
    411: ("length_required", "Send the body with its Content-Length, not in chunks."),
    413: ("too_large", "The request body is too large."),
    415: ("unsupported_media_type", "Send the body as application/json, in UTF-8."),
    429: ("too_many_requests", "Too many requests; wait as long as the header Retry-After says."),
    500: ("internal", "Something is broken here; it was recorded under the correlation id."),
    503: ("unavailable", "The database cannot answer now; the same request may work later."),
}
_UNIQUE_VIOLATION, _CHECK_VIOLATION, _FOREIGN_KEY_VIOLATION = "23505", "23514", "23503"


def plain(status: int, **headers: str) -> Problem:
    """The usual problem of a status, without particulars."""
    if status == 404:
        return not_found()
    code, detail = _PLAIN.get(status, _PLAIN[500 if status >= 500 else 400])
    return Problem(status, code, detail, headers=headers)


def problem_of(error: Exception) -> Problem:
    """What to answer when a route raised this."""
    match error:
        case Problem():
            return error
        case Http404():
            return not_found()
        case AccessDenied():
            return Problem(
                403,
                "permission_denied",
                f"This account may not {error.permission} here: its role does not include it, or "
                "the organization is suspended and can only be read.",
            )
        case ValidationError():
            return _of_validation(error)
        case Throttled():
            return plain(429)
        case HttpError():
            return plain(error.status_code)
        case IntegrityError():
            return _of_integrity(error)
        case OperationalError():
            log.exception("api_database_unavailable", exc_info=error)
            return plain(503, **{"Retry-After": "5"})
        case _:
            log.exception("api_request_failed", exc_info=error)
            return plain(500)


def connect(api: NinjaAPI) -> None:
    """Answer every exception of a route of `api` with its problem."""

    def handle(request: HttpRequest, error: Any) -> HttpResponse:
        return answer(problem_of(error))

    for kind in (Exception, Http404, HttpError, ValidationError):
        api.add_exception_handler(kind, handle)


class ApiMiddleware:
    """Give every request a correlation id; under /api/ the caller's, and no page of Django's."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        of_api = request.path.startswith(ADDRESS)
        given = request.META.get("HTTP_X_CORRELATION_ID", "") if of_api else ""
        correlation_id = given if _PRINTABLE.fullmatch(given) else str(uuid.uuid4())
        # Put back into the request: the log lines of django-structlog take it from there.
        request.META["HTTP_X_CORRELATION_ID"] = correlation_id
        if not of_api:
            return self.get_response(request)
        with acting(Actor.system(), source="api", correlation_id=correlation_id):
            response = self.get_response(request)
        if response.status_code >= 400 and response["Content-Type"] != MEDIA_TYPE:
            response = _as_problem(response)
        response[CORRELATION_HEADER] = correlation_id
        response.setdefault("Cache-Control", "no-store")
        return response


def _as_problem(response: HttpResponseBase) -> HttpResponse:
    problem = answer(plain(response.status_code))
    if "Allow" in response:
        problem["Allow"] = response["Allow"]
    response.close()
    return problem


def _of_validation(error: ValidationError) -> Problem:
    # An id in the path that can be nobody's is simply not there.
    if any(one["loc"][0] == "path" for one in error.errors):
        return not_found()
    return Problem(
        422,
        "invalid",
        "The request does not fit its schema; see errors.",
        errors=[
            FieldError(field=_place(one["loc"]), code=one["type"], message=one["msg"])
            for one in error.errors
        ],
    )


def _place(location: tuple[Any, ...]) -> str:
    # ("body", "body", "title"): the second is the name of the route's parameter.
    source, *rest = location
    if source == "body" and rest[:1] == ["body"]:
        rest = rest[1:]
    return ".".join(map(str, [source, *rest]))


def _of_integrity(error: IntegrityError) -> Problem:
    cause: Any = error.__cause__
    name = cause.diag.constraint_name
    if cause.sqlstate == _UNIQUE_VIOLATION:
        return Problem(
            409,
            "duplicate",
            "Another one with the same values exists; see errors.",
            errors=[
                FieldError(field=f"body.{field}", code="duplicate", message="Is taken already.")
                for field in _fields_of(name)
            ],
        )
    if cause.sqlstate == _CHECK_VIOLATION:
        return Problem(
            422,
            "refused",
            "The request is well formed and breaks a rule; see errors.",
            errors=[FieldError(field="body", code=name, message=_message_of(name))],
        )
    if cause.sqlstate == _FOREIGN_KEY_VIOLATION:
        return Problem(
            409, "conflict", "Something that this refers to, or that refers to this, is in the way."
        )
    log.exception("api_request_failed", exc_info=error)
    return plain(500)


def _constraints() -> Iterator[Any]:
    for model in apps.get_models():
        yield from model._meta.constraints


def _fields_of(name: str) -> list[str]:
    for constraint in _constraints():
        if constraint.name == name and isinstance(constraint, UniqueConstraint):
            return [field for field in constraint.fields if field != "organization"]
    return []


def _message_of(name: str) -> str:
    for constraint in _constraints():
        if constraint.name == name and isinstance(constraint, CheckConstraint):
            return str(constraint.get_violation_error_message())
    return "The values do not go together."
