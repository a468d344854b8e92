"""Brokers of a test's own, set up as an application would."""

from dramatiq.middleware import CurrentMessage, Retries, default_middleware

from jobs.broker.broker import GroupBroker


def make_broker(url: str, **options: float) -> GroupBroker:
    """Dramatiq's default middleware, with retries that come back in a millisecond."""
    middleware = [made() for made in default_middleware if made is not Retries]
    return GroupBroker(
        url=url,
        middleware=[*middleware, Retries(max_retries=3, min_backoff=1), CurrentMessage()],
        **options,
    )
