"""What `manage.py check`, and so the start of the scheduler, says of the settings of alerts."""

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error

from jobs.families.notifications.mail import is_mailbox
from jobs.families.notifications.webhooks.sign import key_of

HINT = (
    'Make one with: python3 -c "import base64, secrets; '
    "print('whsec_' + base64.b64encode(secrets.token_bytes(32)).decode())\""
)


def check_channels(**_: Any) -> list[CheckMessage]:
    """Mailboxes that are none, and a webhook that could not be signed."""
    found: list[CheckMessage] = [
        Error(
            f"ALERT_MAIL_TO has {address!r}, which is no mailbox: nobody would be told of alerts.",
            hint="Give bare addresses, separated by commas.",
            id="jobs.E001",
        )
        for address in settings.ALERT_MAIL_TO
        if not is_mailbox(address)
    ]
    if settings.ALERT_WEBHOOK_URL:
        try:
            key_of(settings.ALERT_WEBHOOK_SECRET)
        except ValueError as error:
            problem = f"ALERT_WEBHOOK_URL is set, and ALERT_WEBHOOK_SECRET cannot sign: {error}"
            found.append(Error(problem, hint=HINT, id="jobs.E002"))
    return found
