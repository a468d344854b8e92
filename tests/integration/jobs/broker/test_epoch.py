"""Redis lost its data or its scripts: what the operations say."""

import pytest
import redis

from jobs.broker import Control, Entry, MessageKey, RetryAfter
from jobs.broker.errors import BrokerUnavailable, NoEpoch
from jobs.broker.queues import Queues

ENTRY = Entry(organization_id=7, group="g", message_id="m", body=b"b" * 1000)
KEY = MessageKey(7, "m")

OPERATIONS = {
    "enqueue": lambda q: q.enqueue([ENTRY]),
    "fetch": lambda q: q.fetch("g", "c", 1),
    "heartbeat": lambda q: q.heartbeat("g", "c"),
    "reap": lambda q: q.reap("g"),
    "ack": lambda q: q.ack("g", "c", [KEY]),
    "retry": lambda q: q.retry("g", "c", {KEY: RetryAfter()}),
    "release": lambda q: q.release("g", "c", [KEY]),
    "reclaim": lambda q: q.reclaim("g", "c", []),
    "leave": lambda q: q.leave("g", "c"),
    "remove": lambda q: q.remove("g", 7, ["m"]),
    "control": lambda q: q.control("g", {7: Control(limit=1)}),
    "controls": lambda q: q.controls("g"),
    "situation": lambda q: q.situation("g", 7, "m"),
    "flush": lambda q: q.flush("g"),
    "known": lambda q: q.known("g", [(7, "m")]),
    "pages": lambda q: list(q.pages("g", [7])),
    "depth": lambda q: q.depth("g", 7),
    "depths": lambda q: q.depths("g"),
    "totals": lambda q: q.totals("g"),
}


@pytest.fixture
def own(live_valkey):
    """Queues on a server of this test's own."""
    queues = Queues(live_valkey.url)
    queues.open_epoch()
    yield queues
    queues.close()


@pytest.fixture
def own_client(live_valkey):
    with redis.Redis.from_url(live_valkey.url) as client:
        yield client


@pytest.mark.parametrize("operation", OPERATIONS)
def test_nothing_is_answered_once_redis_lost_its_data(own, own_client, operation):
    own.enqueue([ENTRY])
    own_client.flushall()

    with pytest.raises(NoEpoch):
        OPERATIONS[operation](own)


def test_recovery_enqueues_before_it_opens_the_new_epoch(own, own_client):
    before = own.epoch()
    own_client.flushall()

    own.enqueue([ENTRY], recovering=True)
    assert own.epoch() is None
    after = own.open_epoch()

    assert after != before
    assert [leased.message_id for leased in own.fetch("g", "c", 1).messages] == ["m"]


@pytest.mark.parametrize("operation", OPERATIONS)
def test_forgotten_scripts_are_sent_again(own, own_client, operation):
    OPERATIONS[operation](own)
    own_client.script_flush()

    OPERATIONS[operation](own)


def test_a_restarted_redis_is_used_again(live_valkey, own):
    own.enqueue([ENTRY])
    live_valkey.kill()
    with pytest.raises(BrokerUnavailable):
        own.enqueue([ENTRY])

    live_valkey.start()

    with pytest.raises(NoEpoch):
        own.enqueue([ENTRY])
    own.open_epoch()
    assert own.enqueue([ENTRY]) == 1
