"""Problem details (RFC 9457): the one form in which the API says that something went wrong.

`code` is for programs and never changes; `detail` is for people and may. A 404 is the same to the
byte whatever was asked for, so that nothing can be learned from it.
"""

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

from django.http import JsonResponse
from pydantic import BaseModel, Field

MEDIA_TYPE = "application/problem+json"


class FieldError(BaseModel):
    """One field that was refused."""

    field: str = Field(description="Where: `body.starts_at`, `query.limit`.")
    code: str
    message: str


class ProblemDetails(BaseModel):
    """What every answer from 400 on carries (RFC 9457)."""

    type: str = "about:blank"
    title: str
    status: int
    code: str = Field(description="For programs; stable.")
    detail: str = Field(description="For people.")
    errors: list[FieldError] = Field(
        default_factory=list, description="Every field that was refused, not only the first."
    )
    facts: dict[str, Any] = Field(
        default_factory=dict, description="What the code speaks of, such as limit and found."
    )


class Problem(Exception):
    """Raised in a route to answer with a problem; the request's transaction is undone."""

    def __init__(
        self,
        status: int,
        code: str,
        detail: str,
        *,
        errors: Sequence[FieldError] = (),
        facts: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        self.status = status
        self.code = code
        self.detail = detail
        self.errors = errors
        self.facts = facts or {}
        self.headers = headers or {}
        super().__init__(f"{status} {code}: {detail}")


def refused(field: str, code: str, message: str) -> Problem:
    """A value that fits the schema and breaks a rule that no schema can tell."""
    return Problem(
        422,
        "refused",
        "The request is well formed and breaks a rule; see errors.",
        errors=[FieldError(field=field, code=code, message=message)],
    )


def cut_off() -> Problem:
    """A body that is shorter than it said."""
    detail = "The body ended before its Content-Length. Nothing was kept; send it again."
    return Problem(400, "body_cut", detail)


def not_found() -> Problem:
    """Not there, or not yours: the one answer to both."""
    return Problem(404, "not_found", "There is no such thing, or it is not yours.")


def answer(problem: Problem) -> JsonResponse:
    """The HTTP answer."""
    content: dict[str, Any] = ProblemDetails(
        title=HTTPStatus(problem.status).phrase,
        status=problem.status,
        code=problem.code,
        detail=problem.detail,
        errors=list(problem.errors),
        facts=dict(problem.facts),
    ).model_dump()
    return JsonResponse(
        content, status=problem.status, content_type=MEDIA_TYPE, headers=dict(problem.headers)
    )
