"""One click on "unsubscribe" (RFC 8058): no more mail of this organization to this mailbox.

The token is short, so that the header fits one line: 72 bits, derived from the delivery under
SECRET_KEY, so that every attempt sends the same; what is stored is its digest, so tokens that went
out stay good when the key changes.
"""

import base64
import hashlib
import uuid
from dataclasses import dataclass

from django.conf import settings
from django.utils.crypto import salted_hmac

from jobs.families.notifications.models import Delivery, SuppressedAddress, SuppressionCause
from tenancy import changes

TOKEN_BYTES = 9


@dataclass(frozen=True, kw_only=True)
class Link:
    """What a link to unsubscribe is about: which mailbox, whose mails, whether they stopped."""

    organization: str
    mailbox: str
    is_done: bool


class UnknownToken(Exception):
    """No mail of this organization carried this token."""


def token(delivery_id: uuid.UUID) -> str:
    """12 characters that may stand in a path."""
    mac = salted_hmac("jobs.notifications.unsubscribe", str(delivery_id), algorithm="sha256")
    return base64.urlsafe_b64encode(mac.digest()[:TOKEN_BYTES]).decode()


def digest(given: str) -> str:
    """What is stored of a token."""
    return hashlib.sha256(given.encode()).hexdigest()


def url(delivery: Delivery) -> str:
    """Where a mail program posts to, and a person looks."""
    return (
        f"{settings.PUBLIC_URL}/api/v1/organizations/{delivery.organization_id}"
        f"/u/{token(delivery.pk)}"
    )


def unsubscribe(organization_id: int, given: str) -> SuppressedAddress:
    """Send nothing more to the mailbox that this token went to; again is no error.

    Needs a transaction in the organization's scope. Raises UnknownToken.
    """
    mailbox = _mailbox(_delivery(organization_id, given))
    return suppress(organization_id, mailbox, SuppressionCause.UNSUBSCRIBED)


def look(organization_id: int, given: str) -> Link:
    """What this token would stop, or has stopped; changes nothing.

    Needs a transaction in the organization's scope. Raises UnknownToken.
    """
    delivery = _delivery(organization_id, given)
    mailbox = _mailbox(delivery)
    stopped = SuppressedAddress.objects.filter(
        organization_id=organization_id, address=mailbox.lower()
    )
    name = delivery.organization.name
    return Link(organization=name, mailbox=mailbox, is_done=stopped.exists())


def suppress(organization_id: int, mailbox: str, cause: SuppressionCause) -> SuppressedAddress:
    """Send nothing more to this mailbox; an earlier cause stays."""
    address = mailbox.lower()
    known = SuppressedAddress.objects.filter(organization_id=organization_id, address=address)
    return known.first() or changes.create(
        SuppressedAddress(organization_id=organization_id, address=address, cause=cause)
    )


def _delivery(organization_id: int, given: str) -> Delivery:
    found = Delivery.objects.filter(
        organization_id=organization_id, unsubscribe_digest=digest(given[:64])
    )
    delivery = found.select_related("collaborator", "organization").first()
    if delivery is None:
        raise UnknownToken("This link is not known. It may belong to a mail that was deleted.")
    return delivery


def _mailbox(delivery: Delivery) -> str:
    person = delivery.collaborator
    return person.email if person else delivery.mailbox
