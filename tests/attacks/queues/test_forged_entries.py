"""What was written into Redis past every script of ours stops no organization's line.

Whoever can write there can do harm, but not this cheaply: one entry under a name that is none once
stopped every consumer of its group for good.
"""

import json
import math
from collections.abc import Callable
from datetime import timedelta

import dramatiq
import pytest
import redis

from jobs.broker import Ack, Control, Entry, MessageKey, Poison, Release, RetryAfter, Settlement
from jobs.broker.broker import GroupBroker
from jobs.broker.queues import Queues
from tests.integration.jobs.broker.conftest import StartWorker
from tests.waiting import eventually

OWNERS = (
    "",
    "foo",
    "org:",
    "org:abc",
    "org:7 8",
    "org:007",
    "org:1_0",
    "org:-1",
    "org:" + "9" * 30,
)
MEMBERS = ("", "nospace", " id", "org:7 ", "foo bar", "org:7 unknown")
NUMBERS = ("", "x", "nan", "inf", "-inf", "1e308", "9" * 400)
VALUES = (b"", b"junk", b"x junk", b"-1 junk", b"9" * 5000 + b" junk")


@pytest.fixture
def ran(broker: GroupBroker, group: str) -> list[str]:
    """An actor called `work`, and the arguments it ran with."""
    ran: list[str] = []

    @dramatiq.actor(actor_name="work", broker=broker, queue_name=group)
    def work(argument: str) -> None:
        ran.append(argument)

    return ran


def good(argument: str, **options: object) -> bytes:
    fields = {"queue_name": "any", "actor_name": "work", "args": [argument], "kwargs": {}}
    fields |= {"options": options, "message_id": "m", "message_timestamp": 0}
    return json.dumps(fields).encode()


def forge(
    client: redis.Redis,
    group: str,
    *,
    owner: str = "org:7",
    message_id: str = "forged",
    value: bytes = b"0 junk",
) -> None:
    """An entry at the head of its owner's line, and its owner first in the ring."""
    client.zadd(f"{owner}:{group}", {message_id: 1})
    client.hset(f"{owner}:{group}:messages", message_id, value)
    client.zadd(f"group:{group}:heads", {owner: 1})
    client.zadd(f"group:{group}:ring", {owner: 0})


@pytest.mark.parametrize("owner", OWNERS)
def test_a_line_of_nobody_is_passed_over_and_forgotten(
    broker: GroupBroker,
    group: str,
    client: redis.Redis,
    put_body: Callable[[int | None, bytes], str],
    ran: list[str],
    start_worker: StartWorker,
    owner: str,
) -> None:
    forge(client, group, owner=owner)
    put_body(8, good("of another"))

    start_worker(broker)

    eventually(lambda: ran == ["of another"])
    assert client.zscore(f"group:{group}:ring", owner) is None


@pytest.mark.parametrize("value", VALUES, ids=lambda value: str(value[:8]))
def test_a_value_without_its_count_is_poison(
    broker: GroupBroker,
    group: str,
    client: redis.Redis,
    put_body: Callable[[int | None, bytes], str],
    poisons: list[Poison],
    ran: list[str],
    start_worker: StartWorker,
    value: bytes,
) -> None:
    forge(client, group, value=value)
    put_body(7, good("behind it"))

    start_worker(broker)

    eventually(lambda: ran == ["behind it"])
    assert [(one.reason, one.organization_id, one.raw) for one in poisons] == [
        ("undecodable", 7, value)
    ]


def test_an_id_without_a_character_is_left_out(
    broker: GroupBroker,
    group: str,
    client: redis.Redis,
    put_body: Callable[[int | None, bytes], str],
    ran: list[str],
    start_worker: StartWorker,
) -> None:
    forge(client, group, message_id="")
    put_body(7, good("behind it"))

    start_worker(broker)

    eventually(lambda: ran == ["behind it"])


@pytest.mark.parametrize("member", MEMBERS)
def test_what_was_forged_among_the_delayed_delays_nobody(
    broker: GroupBroker,
    group: str,
    client: redis.Redis,
    put_body: Callable[[int | None, bytes], str],
    ran: list[str],
    start_worker: StartWorker,
    member: str,
) -> None:
    client.zadd(f"group:{group}:due", {member: 1})
    put_body(8, good("of another"))

    start_worker(broker)

    eventually(lambda: ran == ["of another"])
    assert not client.exists(f"group:{group}:due")


@pytest.mark.parametrize("member", MEMBERS)
def test_what_was_forged_among_the_leases_of_a_dead_consumer_is_reaped(
    broker: GroupBroker,
    group: str,
    client: redis.Redis,
    put_body: Callable[[int | None, bytes], str],
    ran: list[str],
    start_worker: StartWorker,
    member: str,
) -> None:
    client.zadd(f"group:{group}:consumers", {"dead": 1})
    client.hset(f"group:{group}:leases:dead", member, "1")
    put_body(8, good("of another"))

    start_worker(broker)

    eventually(lambda: ran == ["of another"])
    eventually(lambda: not client.exists(f"group:{group}:leases:dead"))


def test_a_forged_age_limit_does_not_bury_a_job(
    broker: GroupBroker,
    group: str,
    put_body: Callable[[int | None, bytes], str],
    poisons: list[Poison],
    ran: list[str],
    start_worker: StartWorker,
) -> None:
    put_body(7, good("old", max_age=1))

    start_worker(broker)

    eventually(lambda: ran == ["old"])
    assert poisons == []


@pytest.mark.parametrize("name", ["org:7:{}", "org:7:{}:messages"])
@pytest.mark.parametrize("when", ["waiting", "delayed", "new", "running"])
def test_a_queue_that_somebody_overwrote_stops_nobody(
    broker: GroupBroker,
    group: str,
    client: redis.Redis,
    put_body: Callable[[int | None, bytes], str],
    ran: list[str],
    start_worker: StartWorker,
    name: str,
    when: str,
) -> None:
    if when == "waiting":
        put_body(7, good("of 7"))
    elif when == "delayed":
        put_body(7, good("of 7"))
        client.zpopmin(f"org:7:{group}")
        client.zadd(f"group:{group}:due", {"org:7 some": 1})
    elif when == "running":
        put_body(7, good("of 7"))
        [leased] = broker.backend.fetch(group, "c1", 1).messages
    client.delete(name.format(group))
    client.set(name.format(group), "overwritten")
    if when == "running":
        broker.backend.retry(group, "c1", {leased.key: RetryAfter(body=good("again"))})
    put_body(7, good("of 7, later"))
    put_body(8, good("of another"))

    start_worker(broker)

    eventually(lambda: {"of another", "of 7, later"} <= set(ran))
    eventually(lambda: broker.backend.totals(group).waiting == 0)


def test_looking_at_what_somebody_overwrote_answers(
    broker: GroupBroker, group: str, client: redis.Redis
) -> None:
    forge(client, group)
    for name in (f"org:7:{group}", f"org:7:{group}:messages"):
        client.delete(name)
        client.set(name, "overwritten")
    queues = broker.backend

    assert [depth.waiting for depth in queues.depths(group)] == [0]
    assert queues.depth(group, 7).waiting == 0
    assert queues.known(group, [(7, "forged")]) == set()
    assert queues.situation(group, 7, "forged").place == "unknown"


@pytest.mark.parametrize(
    "text", ["", "x", "0 0 0 0 0", "nan 0 0 0 0", "-1 0 0 0 0", "1 0 0 inf 0", "1 2 0 0 0"]
)
def test_a_forged_control_counts_as_none(
    broker: GroupBroker,
    group: str,
    client: redis.Redis,
    put_body: Callable[[int | None, bytes], str],
    text: str,
) -> None:
    client.hset(f"group:{group}:controls", "org:7", text)
    put_body(7, b"b")

    assert broker.backend.fetch(group, "c1", 1).messages
    assert broker.backend.controls(group) in ({7: Control()}, {})


@pytest.mark.parametrize("text", NUMBERS, ids=lambda text: text[:6])
@pytest.mark.parametrize(
    "name", ["state vtime", "state clock", "state waiting", "means", "buckets", "leased", "lease"]
)
def test_what_should_be_a_number_and_is_none_stops_nobody(
    queues: Queues, hasty: Queues, group: str, client: redis.Redis, name: str, text: str
) -> None:
    def put(organization_id: int, *ids: str) -> None:
        queues.enqueue(
            Entry(
                organization_id=organization_id, group=group, message_id=one, body=b"b", kind="work"
            )
            for one in ids
        )

    def forge_number() -> None:
        key, _, field = name.partition(" ")
        if key == "lease":
            client.hset(f"group:{group}:leases:c1", "org:7 forged", f"{text} {text} {text} work")
        elif key == "leased":
            client.hset(f"group:{group}:leased", "org:7", f"1 {text}")
        else:
            of = {"state": field, "means": "work", "buckets": "org:7"}[key]
            client.hset(f"group:{group}:{key}", of, text)

    queues.control(group, {7: Control(rate=1000)})
    forge_number()
    put(7, "a", "b", "c")
    put(8, "a", "b", "c")
    forge_number()

    fetched = {message.key: message for message in queues.fetch(group, "c1", 20).messages}
    forge_number()
    endings = (Ack(ran=timedelta(milliseconds=1)), RetryAfter(), Release())
    settled = [
        queues.settle(group, "c1", [Settlement(key, ending, fetched[key].stamp)])
        for key, ending in zip(
            [MessageKey(8, one) for one in ("a", "b", "c")], endings, strict=True
        )
    ]
    queues.reclaim(group, "c1", [])
    forge_number()
    hasty.fetch(group, "c2", 20)
    again = eventually(lambda: hasty.reap(group).messages)

    assert settled == [1, 1, 1]
    assert {key.message_id for key, _ in again if key.organization_id == 8} == {"b", "c"}
    assert math.isfinite(float(client.hget(f"group:{group}:state", "vtime") or 0))
    assert len(queues.depths(group)) == 2
    assert queues.situation(group, 8, "b").place == "waiting"
