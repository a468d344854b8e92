"""Where this site lets webhooks go, from the settings."""

from django.conf import settings

from jobs.families.notifications.webhooks.address import AddressRules


def address_rules() -> AddressRules:
    """The rules of WEBHOOK_ALLOW_HTTP, WEBHOOK_ALLOWED_PORTS and WEBHOOK_ALLOWED_HOSTS.

    Our own names are refused unless they are allowed by name: a webhook to us would loop.
    """
    allowed = frozenset(host.lower().strip("[]") for host in settings.WEBHOOK_ALLOWED_HOSTS)
    own = frozenset(
        host.lower().strip("[]").lstrip(".") for host in settings.ALLOWED_HOSTS if host != "*"
    )
    return AddressRules(
        allow_http=settings.WEBHOOK_ALLOW_HTTP,
        allowed_ports=frozenset(settings.WEBHOOK_ALLOWED_PORTS) or None,
        allowed_hosts=allowed,
        own_hosts=own - allowed,
    )
