"""The job types of the family, with their policies and actors."""

from jobs.execution.job import Run
from jobs.families.notifications import deliver, endpoints, fan_out, invite, retry_policies
from jobs.families.notifications import deliver_mail as mail
from jobs.families.notifications import deliver_webhook as webhook
from jobs.job_types import job_type
from tenancy.access import Permission


@job_type(
    "notifications.deliver_mail",
    group="notifications",
    payload=mail.DeliverMail,
    policy=retry_policies.MAIL,
    permission=Permission.MISSION_VIEW,
    effect="outside",
    discriminator=lambda payload: payload.discriminator,
    on_dead=deliver.mark_dead,
    breaker=retry_policies.MAIL_SERVER,
)
def deliver_mail(run: Run[mail.DeliverMail]) -> None:
    """Render one mail and give it to the mail server."""
    mail.deliver_mail(run)


@job_type(
    endpoints.DELIVER,
    group="notifications",
    payload=webhook.DeliverWebhook,
    policy=retry_policies.WEBHOOK,
    permission=Permission.MISSION_VIEW,
    effect="outside",
    discriminator=lambda payload: payload.discriminator,
    on_dead=deliver.mark_dead,
    breaker=retry_policies.RECEIVER,
    destination=lambda payload: endpoints.destination(payload.recipient_id),
)
def deliver_webhook(run: Run[webhook.DeliverWebhook]) -> None:
    """Render one webhook, sign it and send it."""
    webhook.deliver_webhook(run)


@job_type(
    "notifications.fan_out",
    group="notifications",
    payload=fan_out.FanOut,
    policy=retry_policies.FAN_OUT,
    permission=Permission.MISSION_VIEW,
    discriminator=lambda payload: str(payload.event_id),
)
def fan_out_event(run: Run[fan_out.FanOut]) -> None:
    """Write and enqueue the deliveries of one event."""
    fan_out.fan_out(
        run.organization_id, run.payload.event_id, mail=deliver_mail, webhook=deliver_webhook
    )


@job_type(
    "notifications.send_invitation",
    group="notifications",
    payload=invite.SendInvitation,
    policy=retry_policies.MAIL,
    permission=Permission.MEMBER_MANAGE,
    effect="outside",
    discriminator=lambda payload: payload.digest,
    breaker=retry_policies.MAIL_SERVER,
)
def send_invitation(run: Run[invite.SendInvitation]) -> None:
    """Mail an invitation."""
    invite.send_invitation(run)
