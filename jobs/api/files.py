"""The links to files that lie in a folder: see `jobs.families.transfers.links`.

Whoever has the link gets the file, as with a bucket, for three minutes; but here the one whom it
was given to is asked for once more. Without that right, or in a suspended organization, it is not
found, and that is recorded in the organization's audit log.
"""

from datetime import timedelta

from django.db import transaction
from django.http import FileResponse, HttpRequest, HttpResponseBase

from audit.looks import record_once
from jobs.families.transfers import links
from jobs.families.transfers.errors import StoreError
from jobs.families.transfers.store import FileStore, store
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
    if not is_good or link.organization_id != organization_id or not _may_still(link):
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


def _may_still(link: links.Link) -> bool:
    actor = Actor.parse(link.actor)
    with scope(link.organization_id), acting(actor, source="web"), transaction.atomic():
        if may(actor, link.permission, link.organization_id):
            return True
        record_once(
            "access.link_refused",
            ("object", link.key),
            logs={link.organization_id},
            within=timedelta(minutes=1),
            outcome="denied",
            detail={"permission": link.permission},
        )
        return False
