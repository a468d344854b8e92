"""One click on "unsubscribe" (RFC 8058), for mail programs and for people.

The only routes without a token of a service account: the one in the address is the proof, and it
reaches one mailbox of one organization. Looking (GET) changes nothing, because mail scanners look,
and always answers with a page, because people look who have no use for JSON.
"""

from typing import Annotated

from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from ninja import Path, Router
from pydantic import BaseModel, Field

from jobs.families.notifications.unsubscribe import Link, UnknownToken, look, unsubscribe
from tenancy.api.fields import PathId
from tenancy.api.problems import not_found

router = Router(tags=["unsubscribe"])

Token = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{12}$")]


_HTML = {"responses": {200: {"content": {"text/html": {"schema": {"type": "string"}}}}}}


class Unsubscribed(BaseModel):
    """Nothing more goes to this mailbox."""

    unsubscribed: bool = True


@router.get("/{token}", auth=None, response={200: None}, openapi_extra=_HTML)
def ask(request: HttpRequest, organization_id: PathId, token: Path[str]) -> HttpResponse:
    """The page of a person who clicked: what would stop, that it has, or that the link is bad."""
    try:
        return _page(look(organization_id, token))
    except UnknownToken:
        return _page(None)


@router.post("/{token}", auth=None, response=Unsubscribed, openapi_extra=_HTML)
def unsubscribe_mailbox(
    request: HttpRequest, organization_id: PathId, token: Path[Token]
) -> HttpResponse | Unsubscribed:
    """Send no more mail of this organization to the mailbox that the token went to."""
    try:
        unsubscribe(organization_id, token)
    except UnknownToken as error:
        raise not_found() from error
    if "text/html" in request.headers.get("Accept", ""):  # a browser, not a mail program
        return _page(look(organization_id, token))
    return Unsubscribed()


def _page(link: Link | None) -> HttpResponse:
    return HttpResponse(render_to_string("jobs/unsubscribe.html", {"link": link}))
