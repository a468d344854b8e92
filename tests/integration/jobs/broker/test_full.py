"""Redis has reached `maxmemory`: it takes nothing new, and drains."""

from datetime import timedelta

import pytest
import redis

from jobs.broker import Control, Entry, MessageKey, RetryAfter
from jobs.broker.errors import RedisFull
from jobs.broker.queues import Queues

HOUR = timedelta(hours=1)


def entry(message_id: str, organization_id: int = 7) -> Entry:
    return Entry(organization_id=organization_id, group="g", message_id=message_id, body=b"b" * 500)


@pytest.fixture
def full(live_valkey):
    """Queues with sixty messages, some of them leased, on a server that has no room left."""
    queues = Queues(live_valkey.url, lease=timedelta(milliseconds=1))
    queues.open_epoch()
    queues.enqueue(entry(f"m{number}") for number in range(60))
    queues.fetch("g", "c", 4)
    with redis.Redis.from_url(live_valkey.url) as client:
        client.config_set("maxmemory", 1)
    yield queues
    queues.close()


def test_new_messages_are_refused_and_none_of_them_is_there(full):
    with pytest.raises(RedisFull):
        full.enqueue([entry("new", 8), entry("newer", 8)])

    assert full.known("g", [(8, "new"), (8, "newer")]) == set()
    assert full.totals("g").waiting == 56


DRAINING = {
    "fetch": lambda q: q.fetch("g", "c", 2),
    "heartbeat": lambda q: q.heartbeat("g", "c", [MessageKey(7, "m0")]),
    "ack": lambda q: q.ack("g", "c", [MessageKey(7, "m0")]),
    "retry": lambda q: q.retry("g", "c", {MessageKey(7, "m1"): RetryAfter(delay=HOUR)}),
    "release": lambda q: q.release("g", "c", [MessageKey(7, "m2")]),
    "reclaim": lambda q: q.reclaim("g", "c", []),
    "reap": lambda q: q.reap("g"),
    "leave": lambda q: q.leave("g", "c"),
    "remove": lambda q: q.remove("g", 7, ["m9"]),
    "control": lambda q: q.control("g", {7: Control(is_paused=True)}),
    "flush": lambda q: q.flush("g"),
}


@pytest.mark.parametrize("operation", DRAINING)
def test_what_makes_room_goes_on(full, operation):
    DRAINING[operation](full)


def test_what_is_waiting_can_be_run_to_the_end(full):
    while leased := full.fetch("g", "c", 10).messages:
        full.ack("g", "c", [one.key for one in leased])
    full.ack("g", "c", [MessageKey(7, f"m{number}") for number in range(4)])

    totals = full.totals("g")
    assert (totals.waiting, totals.leased) == (0, 0)
