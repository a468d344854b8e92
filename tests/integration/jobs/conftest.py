"""The queues of this test process, and others that a test may break."""

from collections.abc import Iterator

import dramatiq
import pytest
from redis import Redis

from jobs.broker.queues import Queues
from jobs.ledger import relay
from jobs.ledger.publish import queues
from tests.conftest import LiveValkey


@pytest.fixture(scope="session")
def booted() -> None:
    """What Dramatiq's command line does first in a worker process; starts its time limits."""
    dramatiq.get_broker().emit_after("process_boot")


@pytest.fixture
def line(transactional_db: None, redis_url: str) -> Queues:
    """The queues where this process publishes, open."""
    relay.recover()
    return queues()


@pytest.fixture
def own_line(
    transactional_db: None, live_valkey: LiveValkey, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Queues]:
    """Queues on a Valkey of the test's own: empty, and without an epoch."""
    own = Queues(live_valkey.url)
    monkeypatch.setattr(dramatiq.get_broker(), "backend", own)
    yield own
    own.close()


@pytest.fixture
def own_redis(live_valkey: LiveValkey) -> Iterator[Redis]:
    """To look behind the operations of `own_line`, and to break things."""
    with Redis.from_url(live_valkey.url) as client:
        yield client
