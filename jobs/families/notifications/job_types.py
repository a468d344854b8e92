"""The job types of the family, with their policies and actors."""

from datetime import timedelta

from jobs.execution.job import Run
from jobs.families.notifications import deliver, fan_out
from jobs.families.notifications import deliver_mail as mail
from jobs.families.notifications import deliver_webhook as webhook
from jobs.job_types import Policy, job_type
from tenancy.access import Permission

WEBHOOK_DELAYS = (
    timedelta(seconds=5),
    timedelta(minutes=5),
    timedelta(minutes=30),
    timedelta(hours=2),
    timedelta(hours=5),
    timedelta(hours=10),
    timedelta(hours=14),
    timedelta(hours=20),
    timedelta(hours=24),
)
"""The wait before each retry of a webhook, ± 20 %: few and far apart, because receivers sleep."""


@job_type(
    "notifications.deliver_mail",
    group="notifications",
    payload=mail.DeliverMail,
    policy=Policy(
        max_retries=6,
        backoff_base=timedelta(seconds=5),
        backoff_cap=timedelta(hours=1),
        time_limit=timedelta(minutes=2),
    ),
    permission=Permission.MISSION_VIEW,
    effect="outside",
    discriminator=lambda payload: payload.discriminator,
    on_dead=deliver.mark_dead,
)
def deliver_mail(run: Run[mail.DeliverMail]) -> None:
    """Render one mail and give it to the mail server."""
    mail.deliver_mail(run)


@job_type(
    "notifications.deliver_webhook",
    group="notifications",
    payload=webhook.DeliverWebhook,
    policy=Policy(
        max_retries=len(WEBHOOK_DELAYS),
        delays=WEBHOOK_DELAYS,
        jitter=0.2,
        time_limit=timedelta(minutes=2),
    ),
    permission=Permission.MISSION_VIEW,
    effect="outside",
    discriminator=lambda payload: payload.discriminator,
    on_dead=deliver.mark_dead,
)
def deliver_webhook(run: Run[webhook.DeliverWebhook]) -> None:
    """Render one webhook, sign it and send it."""
    webhook.deliver_webhook(run)


@job_type(
    "notifications.fan_out",
    group="notifications",
    payload=fan_out.FanOut,
    policy=Policy(
        max_retries=5, backoff_base=timedelta(seconds=1), backoff_cap=timedelta(minutes=1)
    ),
    permission=Permission.MISSION_VIEW,
    discriminator=lambda payload: str(payload.event_id),
)
def fan_out_event(run: Run[fan_out.FanOut]) -> None:
    """Write and enqueue the deliveries of one event."""
    fan_out.fan_out(
        run.organization_id, run.payload.event_id, mail=deliver_mail, webhook=deliver_webhook
    )
