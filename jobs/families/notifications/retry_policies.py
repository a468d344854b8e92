"""How often and when each kind of notification is tried: few retries, because news gets old."""

from datetime import timedelta

from jobs.families.notifications.errors import MailDeferred, ReceiverFailed, TransportError
from jobs.job_types import BreakerPolicy, Policy

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

WEBHOOK = Policy(
    max_retries=len(WEBHOOK_DELAYS),
    delays=WEBHOOK_DELAYS,
    jitter=0.2,
    time_limit=timedelta(minutes=2),
)

MAIL = Policy(
    max_retries=6,
    backoff_base=timedelta(seconds=5),
    backoff_cap=timedelta(hours=1),
    time_limit=timedelta(minutes=2),
)

FAN_OUT = Policy(max_retries=5, backoff_base=timedelta(seconds=1), backoff_cap=timedelta(minutes=1))

RECEIVER = BreakerPolicy(
    outages=(TransportError, ReceiverFailed),
    failures=4,
    open_for=timedelta(minutes=1),
    longest=timedelta(hours=24),
)
"""Of a webhook's endpoint. An answer that is not 2xx is one too: what it means, nobody can tell."""

MAIL_SERVER = BreakerPolicy(outages=(MailDeferred,))
"""One mail server takes all mail, so there is no destination: ten mails in a row must fail."""
