"""Links to an object: for one object, one organization and one actor, valid for three minutes.

A bucket signs its own. A folder has nobody to do so: there the link is an address of ours, signed
with SECRET_KEY, and jobs/api/files.py answers it. Neither is renewed by use; who wants another asks
the download's route again, which asks for the permission again.
"""

from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import Any

from django.core import signing

from tenancy.access import Permission

LIFETIME = timedelta(minutes=3)
_SALT = "jobs.transfers.links"


@dataclass(frozen=True, kw_only=True)
class Download:
    """How an object is offered to a browser: always as a file, never as a page."""

    file_name: str  # of our alphabet, since it stands in a header
    content_type: str

    @property
    def headers(self) -> dict[str, str]:
        """Nobody on the way is to keep the file."""
        return {
            "Content-Type": self.content_type,
            "Content-Disposition": f'attachment; filename="{self.file_name}"',
            "Cache-Control": "no-store",
        }


@dataclass(frozen=True, kw_only=True)
class Link:
    """What a link opens, and for whom."""

    organization_id: int
    key: str
    actor: str  # str(Actor)
    permission: Permission  # which the actor must still hold when the link is used
    served: Download


class BadLink(Exception):
    """Not ours, changed, or older than three minutes."""


def token(link: Link) -> str:
    """The link as text for a path, signed and dated."""
    return signing.dumps(asdict(link), salt=_SALT, compress=True)


def address(link: Link) -> str:
    """Where jobs/api/files.py answers."""
    return f"/api/v1/organizations/{link.organization_id}/files/{token(link)}"


def read(given: str) -> Link:
    """Raises BadLink."""
    try:
        value: dict[str, Any] = signing.loads(given, salt=_SALT, max_age=LIFETIME)
    except signing.BadSignature as error:
        raise BadLink("The link is not ours, was changed, or is older than 3 minutes.") from error
    served = Download(**value.pop("served"))
    return Link(**value | {"permission": Permission(value["permission"])}, served=served)
