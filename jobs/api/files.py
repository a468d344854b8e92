"""The links to files that lie in a folder: see `jobs.families.transfers.links`.

A bucket gives the file to whoever has the link. Here only the one to whom it was given gets it, by
the same token or session, and is asked for the permission once more. Somebody else, or the same
without that right or in a suspended organization, does not find it, and that is recorded in the
organization's audit log.
"""

from datetime import timedelta

from django.db import transaction
from django.http import FileResponse, HttpRequest, HttpResponseBase

from audit.looks import record_once
from jobs.families.transfers import links
from jobs.families.transfers.errors import StoreError
from jobs.families.transfers.store import FileStore, store
from tenancy import tokens
from tenancy.access import may
from tenancy.acting import Actor, acting
from tenancy.api.problems import answer, not_found
from tenancy.scope import scope


def serve_file(request: HttpRequest, organization_id: int, token: str) -> HttpResponseBase:
    """The file that a link opens, as an attachment; or the one 404."""
    try:
        link = links.read(token)
    except links.BadLink:
        return answer(not_found())
    objects = store()
    is_good = request.method == "GET" and isinstance(objects, FileStore)
    if not is_good or link.organization_id != organization_id or not _may(request, link):
        return answer(not_found())
    try:
        assert isinstance(objects, FileStore)
        with objects.local(link.key) as path:
            file = path.open("rb")
    except StoreError:
        return answer(not_found())
    response = FileResponse(file)
    # After it was made: Django would put in its place what it makes of the file's name.
    for name, value in (link.served.headers | {"X-Content-Type-Options": "nosniff"}).items():
        response[name] = value
    return response


def _may(request: HttpRequest, link: links.Link) -> bool:
    """Whether it is the holder who comes, and still may. In the audit log it is the holder's link
    that was refused: of who comes without a token or session there is nothing to say.
    """
    actor = Actor.parse(link.actor)
    with scope(link.organization_id), acting(actor, source="web"), transaction.atomic():
        is_holder = _who(request, link.organization_id) == actor
        if is_holder and may(actor, link.permission, link.organization_id):
            return True
        record_once(
            "access.link_refused",
            ("object", link.key),
            logs={link.organization_id},
            within=timedelta(minutes=1),
            outcome="denied",
            detail={"permission": link.permission, "is_holder": is_holder},
        )
        return False


def _who(request: HttpRequest, organization_id: int) -> Actor | None:
    """Who comes: an account by its token, else a person by their session."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() == "bearer" and tokens.is_well_formed(token):
        account = tokens.account_of(token, organization_id)
        return None if account is None else Actor.service(account.pk)
    return Actor.user(request.user.pk) if request.user.is_authenticated else None
