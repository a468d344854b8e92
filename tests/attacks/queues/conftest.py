"""The fixtures of the broker's own tests."""

from tests.integration.jobs.broker.conftest import (  # noqa: F401
    broker,
    client,
    group,
    hasty,
    poisons,
    put_body,
    queues,
    start_worker,
)
