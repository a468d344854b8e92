"""The mail of an invitation: to somebody who is on no roster and has no account yet.

No delivery is written: who was invited, and until when, stands in the invitation. The link is made
here and is in no payload, so that nobody reads it in the ledger.
"""

from django.conf import settings
from django.template.loader import render_to_string

from jobs.execution.job import Run
from jobs.families.notifications.errors import MailRefused
from jobs.families.notifications.mail import Mail, build, send
from jobs.families.notifications.models import SuppressedAddress, SuppressionCause
from jobs.job_types import Payload
from tenancy import invitations
from tenancy.models import Invitation
from tenancy.rules import open_invitations


class SendInvitation(Payload):
    """An invitation to mail. digest: of the link that was its own when this was enqueued."""

    invitation_id: int
    digest: str


def send_invitation(run: Run[SendInvitation]) -> None:
    """Mail it, unless it cannot be accepted any more, or another link took this one's place."""
    with run.transaction():
        invitation = _still_open(run)
        if invitation is not None:
            _refuse_suppressed(invitation)
            run.begin_effect(_effect_id(invitation))
    if invitation is not None:
        send(build(_mail(invitation)))
    with run.settling():
        pass


def _still_open(run: Run[SendInvitation]) -> Invitation | None:
    asked = open_invitations(run.organization_id).filter(
        pk=run.payload.invitation_id, token_digest=run.payload.digest
    )
    return asked.select_related("organization").first()


def _refuse_suppressed(invitation: Invitation) -> None:
    suppressed = SuppressedAddress.objects.filter(
        organization_id=invitation.organization_id, address=invitation.email
    ).exclude(cause=SuppressionCause.UNSUBSCRIBED)  # who wants no news may still be invited
    if found := suppressed.first():
        raise MailRefused(
            f"{invitation.email}: nothing is sent to this mailbox ({found.get_cause_display()}). "
            "Remove it from the suppressed addresses and retry, or revoke the invitation."
        )


def _effect_id(invitation: Invitation) -> str:
    return f"invitation-{invitation.token_digest[:32]}"


def _mail(invitation: Invitation) -> Mail:
    text = render_to_string(
        "invitations/mail.txt",
        {
            "site": settings.PUBLIC_URL,
            "invitation": invitation,
            "url": invitations.url(invitation),
        },
    )
    return Mail(
        effect_id=_effect_id(invitation),
        recipient=invitation.email,
        sender=settings.DEFAULT_FROM_EMAIL,
        subject="You are invited to the control plane",
        text=text,
        html="",
        unsubscribe_url="",
    )
