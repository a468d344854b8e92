"""Groups of its own for each test; those that break the server start one of their own."""

import uuid
from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
import redis
from dramatiq import Worker

from jobs.broker import Entry, Leased, MessageKey, Poison
from jobs.broker.broker import GroupBroker
from jobs.broker.queues import Queues
from tests.factories.broker import make_broker
from tests.waiting import eventually

type Put = Callable[..., Entry]
type StartWorker = Callable[..., Worker]


@pytest.fixture
def group() -> str:
    return f"g{uuid.uuid4().hex}"


@pytest.fixture
def queues(redis_url: str) -> Iterator[Queues]:
    queues = Queues(redis_url)
    if queues.epoch() is None:
        queues.open_epoch()
    yield queues
    queues.close()


@pytest.fixture
def hasty(redis_url: str, queues: Queues) -> Iterator[Queues]:
    """The same queues for a consumer whose leases end almost at once."""
    hasty = Queues(redis_url, lease=timedelta(milliseconds=1))
    yield hasty
    hasty.close()


@pytest.fixture
def put(queues: Queues, group: str) -> Put:
    """Enqueue one message and return it; the id is its body, too."""

    def put(
        organization_id: int | None,
        message_id: str | None = None,
        delay: timedelta = timedelta(0),
    ) -> Entry:
        message_id = message_id or str(uuid.uuid4())
        entry = Entry(
            organization_id=organization_id,
            group=group,
            message_id=message_id,
            body=message_id.encode(),
            delay=delay,
        )
        queues.enqueue([entry])
        return entry

    return put


@pytest.fixture
def fetch(queues: Queues, group: str) -> Callable[..., list[Leased]]:
    def fetch(count: int = 10, consumer_id: str = "c1") -> list[Leased]:
        return queues.fetch(group, consumer_id, count).messages

    return fetch


@pytest.fixture
def reaped(queues: Queues, group: str) -> Callable[[], list[tuple[MessageKey, int]]]:
    """What goes back of a consumer whose leases are about to end."""
    return lambda: eventually(lambda: queues.reap(group).messages)


@pytest.fixture
def broker(redis_url: str, queues: Queues) -> Iterator[GroupBroker]:
    broker = make_broker(redis_url)
    yield broker
    broker.close()


@pytest.fixture
def poisons(broker: GroupBroker) -> list[Poison]:
    poisons: list[Poison] = []
    broker.on_poison.append(poisons.append)
    return poisons


@pytest.fixture
def start_worker() -> Iterator[StartWorker]:
    """Start workers in this process; all are stopped at the end of the test."""
    started: list[Worker] = []

    def start(broker: GroupBroker, *, threads: int = 4) -> Worker:
        worker = Worker(broker, worker_timeout=100, worker_threads=threads)
        worker.start()
        started.append(worker)
        return worker

    yield start
    for worker in started:
        worker.stop()


@pytest.fixture
def client(redis_url: str) -> Iterator[redis.Redis]:
    """To look behind the operations, and to break things."""
    with redis.Redis.from_url(redis_url) as client:
        yield client


@pytest.fixture
def put_body(queues: Queues, group: str) -> Callable[[int | None, bytes], str]:
    """Enqueue bytes as they are; returns the message's id in Redis."""

    def put_body(organization_id: int | None, body: bytes) -> str:
        message_id = str(uuid.uuid4())
        queues.enqueue(
            [Entry(organization_id=organization_id, group=group, message_id=message_id, body=body)]
        )
        return message_id

    return put_body
